//! The benchmark's filters on indymilter: program answered|end host:port|/path
//!
//! "answered" answers every event by itself; "end" negotiates away all answers but the last.

use std::{env, future, io};

use indymilter::{Actions, Callbacks, Config, ProtoOpts, Status};
use tokio::net::{TcpListener, UnixListener};

const NO_REPLIES: ProtoOpts = ProtoOpts::NOREPLY_CONNECT
    .union(ProtoOpts::NOREPLY_HELO)
    .union(ProtoOpts::NOREPLY_MAIL)
    .union(ProtoOpts::NOREPLY_RCPT)
    .union(ProtoOpts::NOREPLY_DATA)
    .union(ProtoOpts::NOREPLY_HEADER)
    .union(ProtoOpts::NOREPLY_EOH)
    .union(ProtoOpts::NOREPLY_BODY);

/// A filter that gives one answer to all events, and accepts at the end.
fn filter(opts: ProtoOpts, answer: Status) -> Callbacks<()> {
    Callbacks::new()
        .on_negotiate(move |cx, _, _| {
            cx.requested_actions = Actions::empty();
            cx.requested_opts = opts | ProtoOpts::NO_UNKNOWN;
            Box::pin(async { Status::Continue })
        })
        .on_connect(move |_, _, _| Box::pin(async move { answer }))
        .on_helo(move |_, _| Box::pin(async move { answer }))
        .on_mail(move |_, _| Box::pin(async move { answer }))
        .on_rcpt(move |_, _| Box::pin(async move { answer }))
        .on_data(move |_| Box::pin(async move { answer }))
        .on_header(move |_, _, _| Box::pin(async move { answer }))
        .on_eoh(move |_| Box::pin(async move { answer }))
        .on_body(move |_, _| Box::pin(async move { answer }))
        .on_eom(|_| Box::pin(async { Status::Accept }))
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let args: Vec<String> = env::args().collect();
    let [_, name, address] = &args[..] else {
        panic!("usage: {} answered|end address", args[0]);
    };
    let callbacks = match &name[..] {
        "end" => filter(NO_REPLIES, Status::Noreply),
        _ => filter(ProtoOpts::empty(), Status::Continue),
    };
    // 100 by default: too few for a thousand that come at once.
    let config = Config {
        max_connections: 4096,
        ..Default::default()
    };
    let shutdown = future::pending::<()>();
    if address.starts_with('/') {
        indymilter::run(UnixListener::bind(address)?, callbacks, config, shutdown).await
    } else {
        indymilter::run(
            TcpListener::bind(address).await?,
            callbacks,
            config,
            shutdown,
        )
        .await
    }
}
