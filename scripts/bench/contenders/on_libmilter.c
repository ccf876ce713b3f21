/*
 * The benchmark's filters on libmilter: on_libmilter answered|end inet:port@host|unix:/path
 *
 * "answered" answers every event by itself; "end" negotiates away all answers but the last.
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>

enum { NO_REPLIES = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_HDR |
	SMFIP_NR_EOH | SMFIP_NR_BODY };

static sfsistat answer = SMFIS_CONTINUE;

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2,
	unsigned long f3, unsigned long *our_actions, unsigned long *our_steps, unsigned long *our_f2, unsigned long *our_f3) {
	*our_actions = *our_f2 = *our_f3 = 0;
	*our_steps = SMFIP_NOUNKNOWN | (answer == SMFIS_NOREPLY ? NO_REPLIES : 0);
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address) { return answer; }
static sfsistat on_helo(SMFICTX *ctx, char *host) { return answer; }
static sfsistat on_mail(SMFICTX *ctx, char **words) { return answer; }
static sfsistat on_rcpt(SMFICTX *ctx, char **words) { return answer; }
static sfsistat on_data(SMFICTX *ctx) { return answer; }
static sfsistat on_header(SMFICTX *ctx, char *name, char *value) { return answer; }
static sfsistat on_end_of_headers(SMFICTX *ctx) { return answer; }
static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t size) { return answer; }
static sfsistat on_end_of_message(SMFICTX *ctx) { return SMFIS_ACCEPT; }

int main(int argc, char **argv) {
	struct smfiDesc filter = {
		.xxfi_name = "bench",
		.xxfi_version = SMFI_VERSION,
		.xxfi_negotiate = on_negotiate,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_data = on_data,
		.xxfi_header = on_header,
		.xxfi_eoh = on_end_of_headers,
		.xxfi_body = on_body,
		.xxfi_eom = on_end_of_message,
	};
	if (argc != 3) { fprintf(stderr, "usage: on_libmilter answered|end address\n"); return 2; }
	if (strcmp(argv[1], "end") == 0) answer = SMFIS_NOREPLY;
	if (smfi_register(filter) == MI_FAILURE || smfi_setconn(argv[2]) == MI_FAILURE) return 1;
	smfi_setbacklog(4096); /* 20 by default: too few for a thousand that come at once */
	return smfi_main();
}
