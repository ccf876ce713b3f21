/*
 * A milter over libmilter, the library of Sendmail, for `kilter conform` to look at.
 *
 *   libmilter SOCKET edits    answers all events, makes one edit of each kind, and accepts
 *   libmilter SOCKET quiet    does the same, but agrees not to answer anything before the end of the message
 */
#include <libmilter/mfapi.h>
#include <string.h>

/* Whether nothing is to be answered before the end of the message; each connection that has agreed points here. */
static int quiet;

static sfsistat go_on(SMFICTX *ctx) { return smfi_getpriv(ctx) == &quiet ? SMFIS_NOREPLY : SMFIS_CONTINUE; }
static sfsistat on_close(SMFICTX *ctx) { smfi_setpriv(ctx, NULL); return SMFIS_CONTINUE; }
static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address) { (void) host; (void) address; return go_on(ctx); }
static sfsistat on_helo(SMFICTX *ctx, char *host) { (void) host; return go_on(ctx); }
static sfsistat on_mail(SMFICTX *ctx, char **arguments) { (void) arguments; return go_on(ctx); }
static sfsistat on_rcpt(SMFICTX *ctx, char **arguments) { (void) arguments; return go_on(ctx); }
static sfsistat on_header(SMFICTX *ctx, char *name, char *value) { (void) name; (void) value; return go_on(ctx); }
static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t size) { (void) chunk; (void) size; return go_on(ctx); }
static sfsistat on_unknown(SMFICTX *ctx, const char *command) { (void) command; return go_on(ctx); }
static sfsistat on_abort(SMFICTX *ctx) { (void) ctx; return SMFIS_CONTINUE; }

static sfsistat on_end(SMFICTX *ctx)
{
	char body[] = "A new body.\r\n";
	smfi_progress(ctx);
	smfi_addheader(ctx, "X-Libmilter", "yes");
	smfi_insheader(ctx, 0, "X-Libmilter-First", "yes");
	smfi_chgheader(ctx, "Subject", 1, "Changed");
	smfi_addrcpt(ctx, "<added@example.com>");
	smfi_delrcpt(ctx, "<recipient@example.com>");
	smfi_chgfrom(ctx, "<changed@example.com>", NULL);
	smfi_replacebody(ctx, (unsigned char *) body, sizeof body - 1);
	return SMFIS_ACCEPT;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2, unsigned long f3,
	unsigned long *asked_actions, unsigned long *asked_steps, unsigned long *a2, unsigned long *a3)
{
	(void) steps; (void) f2; (void) f3;
	if (quiet) smfi_setpriv(ctx, &quiet);
	*asked_actions = actions;
	/* libmilter answers by itself where the MTA did not offer these. */
	*asked_steps = quiet ? SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA |
		SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NR_UNKN : 0;
	*a2 = *a3 = 0;
	return SMFIS_CONTINUE;
}

static struct smfiDesc description = {
	"kilter-test", SMFI_VERSION, 0,
	on_connect, on_helo, on_mail, on_rcpt, on_header, go_on, on_body, on_end, on_abort, on_close, on_unknown, go_on,
	on_negotiate
};

int main(int count, char **arguments)
{
	if (count < 2) return 2;
	quiet = count > 2 && strcmp(arguments[2], "quiet") == 0;
	if (smfi_setconn(arguments[1]) != MI_SUCCESS || smfi_register(description) != MI_SUCCESS) return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
