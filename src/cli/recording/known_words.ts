/*
 * Words that tell nothing of the people behind a mail, because everybody uses them: a redacted recording keeps these
 * and no others. All in lower case.
 */

/** Names of headers: of RFC 5322 and MIME, of lists, signatures and scanners. */
export const HEADER_NAMES: ReadonlySet<string> = new Set([
  ...["from", "sender", "reply-to", "to", "cc", "bcc", "date", "subject", "comments", "keywords"],
  ...["message-id", "in-reply-to", "references", "return-path", "received", "delivered-to", "x-original-to"],
  ...["resent-from", "resent-sender", "resent-to", "resent-cc", "resent-date", "resent-message-id"],
  ...["mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-id"],
  ...["content-description", "content-language", "user-agent", "x-mailer", "x-priority", "importance"],
  ...["priority", "precedence", "auto-submitted", "disposition-notification-to", "return-receipt-to"],
  ...["list-id", "list-unsubscribe", "list-unsubscribe-post", "list-post", "list-help", "list-subscribe"],
  ...["list-owner", "list-archive", "feedback-id", "x-mailbox-line", "errors-to", "organization"],
  ...["dkim-signature", "domainkey-signature", "authentication-results", "received-spf", "autocrypt"],
  ...["arc-seal", "arc-message-signature", "arc-authentication-results", "dmarc-filter", "dkim-filter"],
  ...["x-spam", "x-spam-flag", "x-spam-status", "x-spam-level", "x-spam-score", "x-spam-checker-version"],
  ...["x-spam-report", "x-spam-action", "x-spamd-result", "x-spamd-bar", "x-virus-scanned", "x-virus-status"],
]);

/** Names of macros beside those that MTAs tell by default, without braces. */
export const MACRO_NAMES: ReadonlySet<string> = new Set([
  ...["i", "j", "v", "_", "b", "f", "r", "s", "p", "n", "w", "m", "k"],
  ...["client_addr", "client_name", "client_port", "client_ptr", "client_resolve", "client_connections"],
  ...["client_rate", "daemon_name", "daemon_addr", "daemon_port", "if_name", "if_addr", "verify"],
  ...["tls_version", "cipher", "cipher_bits", "cert_subject", "cert_issuer", "auth_type", "auth_authen"],
  ...["auth_author", "auth_ssf", "mail_mailer", "mail_host", "mail_addr", "rcpt_mailer", "rcpt_host"],
  ...["rcpt_addr", "msg_id", "nrcpts", "nbadrcpts", "ntries", "server_addr", "server_name"],
]);

/** Macros whose values may be kept, each with the values that may be: what others there are is left out. */
export const MACRO_VALUES: Readonly<Record<string, RegExp>> = {
  tls_version: /^(TLS|SSL)v[\d.]+$/,
  cipher: /^[A-Z\d_-]{3,40}$/,
  cipher_bits: /^\d{1,4}$/,
  auth_type: /^(PLAIN|LOGIN|CRAM-MD5|DIGEST-MD5|SCRAM-SHA-(1|256)(-PLUS)?|GSSAPI|EXTERNAL|XOAUTH2)$/,
  auth_ssf: /^\d{1,4}$/,
  mail_mailer: /^(local|e?smtp|smtp8|relay|error|virtual|lmtp)$/,
  rcpt_mailer: /^(local|e?smtp|smtp8|relay|error|virtual|lmtp)$/,
  client_resolve: /^(OK|FAIL|FORGED|TEMP)$/,
  client_port: /^0$/,
  verify: /^(OK|NO|NOT|FAIL|NONE|TEMP|PROTOCOL|SOFTWARE|TRUSTED)$/,
  nrcpts: /^\d{1,4}$/,
  nbadrcpts: /^\d{1,4}$/,
  v: /^(Postfix )?\d[\d.]{0,20}$/,
};

/** ESMTP arguments that are kept as they are. */
export const ARGUMENTS: RegExp =
  /^(SIZE=\d{1,12}|BODY=(7BIT|8BITMIME|BINARYMIME)|SMTPUTF8|REQUIRETLS|RET=(FULL|HDRS)|NOTIFY=(NEVER|((SUCCESS|FAILURE|DELAY),?)+)|AUTH=<>)$/i;

/** ESMTP arguments whose values are left out. */
export const ARGUMENT_NAMES: ReadonlySet<string> = new Set([
  ...["auth", "by", "deliverby", "envid", "mt-priority", "orcpt", "rrvs", "holdfor", "holduntil", "trans"],
]);

/** Commands of SMTP that an MTA may not know. */
export const SMTP_COMMANDS: ReadonlySet<string> = new Set([
  ...["help", "expn", "vrfy", "etrn", "turn", "send", "soml", "saml", "xclient", "xforward", "bdat", "burl"],
  ...["auth", "starttls", "atrn", "verb", "onex", "debug", "wiz", "noop"],
]);
