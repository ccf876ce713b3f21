/*
 * bare - a bare responder in C: the least that answers an MTA at all, which is the limit of the machine.
 *
 *   cc -O2 -o bare bare.c
 *   ./bare answered 127.0.0.1:8891
 *   ./bare end /run/bare.sock
 *
 * One thread, epoll. "answered" answers every command; "end" negotiates away all answers but the last. Of a frame it
 * looks at the length and at the command, and only counts the bytes of the rest.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* SMFIP_NR_*: nothing is answered before the end of the message. */
enum { NO_REPLIES = 0x000ff080 };

typedef struct {
	int fd;
	uint32_t length; /* what is left of the frame, once its first five bytes were seen */
	uint8_t seen, command;
} Connection;

static uint32_t agreed;

static void die(const char *what) { perror(what); exit(1); }

static int listen_at(const char *address) {
	struct sockaddr_un path = { .sun_family = AF_UNIX };
	struct sockaddr_in inet = { .sin_family = AF_INET };
	char *colon = strrchr(address, ':'), host[16] = "";
	int on_path = address[0] == '/', one = 1;
	if (!on_path) {
		if (colon == NULL) { fprintf(stderr, "no address: %s\n", address); exit(2); }
		snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
		inet_pton(AF_INET, host, &inet.sin_addr);
		inet.sin_port = htons((uint16_t)atoi(colon + 1));
	} else strncpy(path.sun_path, address, sizeof path.sun_path - 1);
	int fd = socket(on_path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (!on_path) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* what is accepted inherits it */
	int bound = on_path ? bind(fd, (struct sockaddr *)&path, sizeof path) : bind(fd, (struct sockaddr *)&inet, sizeof inet);
	if (fd < 0 || bound < 0 || listen(fd, SOMAXCONN) < 0) die("listen");
	return fd;
}

/* Writes the answer to a command, if there is to be one; gives its size. */
static size_t answer(uint8_t command, uint8_t *out) {
	if (command == 'O') {
		uint32_t words[] = { htonl(13), 0, htonl(6), 0, htonl(agreed) };
		memcpy(out, words, 4);
		out[4] = 'O';
		memcpy(out + 5, words + 2, 12);
		return 17;
	}
	if (strchr("ADQ", command) != NULL || (agreed && command != 'E')) return 0;
	memcpy(out, (uint8_t[]){ 0, 0, 0, 1, command == 'E' ? 'a' : 'c' }, 5);
	return 5;
}

/* Takes what has come; gives how many bytes of answers that makes, which are never more than came. */
static size_t take(Connection *c, const uint8_t *in, size_t size, uint8_t *out) {
	size_t written = 0;
	for (size_t at = 0; at < size;) {
		if (c->seen < 4) { c->length = c->length << 8 | in[at++]; c->seen++; continue; }
		if (c->seen == 4) { c->command = in[at++]; c->seen++; c->length--; }
		size_t here = size - at < c->length ? size - at : c->length;
		at += here;
		c->length -= (uint32_t)here;
		if (c->length > 0) break;
		written += answer(c->command, out + written);
		c->seen = 0;
	}
	return written;
}

int main(int argc, char **argv) {
	if (argc != 3) { fprintf(stderr, "usage: bare answered|end host:port|/path\n"); return 2; }
	agreed = strcmp(argv[1], "end") == 0 ? NO_REPLIES : 0;
	int listener = listen_at(argv[2]), ep = epoll_create1(0);
	struct epoll_event event = { EPOLLIN, { .ptr = NULL } }, events[64];
	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &event);
	static uint8_t in[1 << 16], out[1 << 16];
	for (;;) {
		int n = epoll_wait(ep, events, 64, -1);
		for (int i = 0; i < n; i++) {
			Connection *c = events[i].data.ptr;
			if (c == NULL) {
				c = calloc(1, sizeof *c);
				if ((c->fd = accept(listener, NULL, NULL)) < 0) die("accept");
				struct epoll_event opened = { EPOLLIN, { .ptr = c } };
				epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &opened);
				continue;
			}
			ssize_t size = recv(c->fd, in, sizeof in, 0);
			if (size <= 0) { close(c->fd); free(c); continue; }
			size_t written = take(c, in, (size_t)size, out);
			if (written > 0) send(c->fd, out, written, MSG_NOSIGNAL);
		}
	}
}
