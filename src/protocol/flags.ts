/**
 * The numbers of the negotiation, as `libmilter/mfapi.h` and `mfdef.h` name them.
 *
 * A *flag* is one bit; a *mask* is several, or-ed.
 *
 * @module
 */

/** The version of the protocol that this library speaks. `SMFI_PROT_VERSION` */
export const VERSION = 6;

/** The lowest version that is still spoken. */
export const LOWEST_VERSION = 2;

/** What a filter may do to a message. `SMFIF_*` */
export const ACTION = {
  /** Add and insert headers. `SMFIF_ADDHDRS` */
  ADD_HEADERS: 0x001,
  /** Replace the body. `SMFIF_CHGBODY` */
  CHANGE_BODY: 0x002,
  /** Add recipients. `SMFIF_ADDRCPT` */
  ADD_RECIPIENT: 0x004,
  /** Remove recipients. `SMFIF_DELRCPT` */
  REMOVE_RECIPIENT: 0x008,
  /** Change and delete headers. `SMFIF_CHGHDRS` */
  CHANGE_HEADERS: 0x010,
  /** Put the message into quarantine. `SMFIF_QUARANTINE` */
  QUARANTINE: 0x020,
  /** Change the envelope sender. `SMFIF_CHGFROM` */
  CHANGE_SENDER: 0x040,
  /** Add recipients with ESMTP arguments. `SMFIF_ADDRCPT_PAR` */
  ADD_RECIPIENT_ARGUMENTS: 0x080,
  /** Choose the macros of each stage. `SMFIF_SETSYMLIST` */
  REQUEST_MACROS: 0x100,
} as const;

/** What the MTA leaves out, and what the filter does not answer. `SMFIP_*` */
export const PROTOCOL = {
  /** No CONNECT. `SMFIP_NOCONNECT` */
  NO_CONNECT: 0x000001,
  /** No HELO. `SMFIP_NOHELO` */
  NO_HELO: 0x000002,
  /** No MAIL. `SMFIP_NOMAIL` */
  NO_MAIL: 0x000004,
  /** No RCPT. `SMFIP_NORCPT` */
  NO_RCPT: 0x000008,
  /** No body. `SMFIP_NOBODY` */
  NO_BODY: 0x000010,
  /** No headers. `SMFIP_NOHDRS` */
  NO_HEADERS: 0x000020,
  /** No end of headers. `SMFIP_NOEOH` */
  NO_END_OF_HEADERS: 0x000040,
  /** Headers are not answered. `SMFIP_NR_HDR` */
  NR_HEADER: 0x000080,
  /** No unknown commands. `SMFIP_NOUNKNOWN` */
  NO_UNKNOWN: 0x000100,
  /** No DATA. `SMFIP_NODATA` */
  NO_DATA: 0x000200,
  /** The filter may skip the rest of the body. `SMFIP_SKIP` */
  SKIP: 0x000400,
  /** Recipients that the MTA refuses are shown too. `SMFIP_RCPT_REJ` */
  REJECTED_RECIPIENTS: 0x000800,
  /** CONNECT is not answered. `SMFIP_NR_CONN` */
  NR_CONNECT: 0x001000,
  /** HELO is not answered. `SMFIP_NR_HELO` */
  NR_HELO: 0x002000,
  /** MAIL is not answered. `SMFIP_NR_MAIL` */
  NR_MAIL: 0x004000,
  /** RCPT is not answered. `SMFIP_NR_RCPT` */
  NR_RCPT: 0x008000,
  /** DATA is not answered. `SMFIP_NR_DATA` */
  NR_DATA: 0x010000,
  /** Unknown commands are not answered. `SMFIP_NR_UNKN` */
  NR_UNKNOWN: 0x020000,
  /** The end of headers is not answered. `SMFIP_NR_EOH` */
  NR_END_OF_HEADERS: 0x040000,
  /** Body chunks are not answered. `SMFIP_NR_BODY` */
  NR_BODY: 0x080000,
  /** Header values keep the space after the colon, both ways. `SMFIP_HDR_LEADSPC` */
  LEADING_SPACE: 0x100000,
  /** Body chunks of up to 256 KiB - 1. `SMFIP_MDS_256K` */
  CHUNK_256K: 0x10000000,
  /** Body chunks of up to 1 MiB - 1. `SMFIP_MDS_1M` */
  CHUNK_1M: 0x20000000,
} as const;

/** The stages whose macros a filter can choose. `SMFIM_*`; the last two stand in no order of time. */
export const MACRO_STAGE = {
  /** `SMFIM_CONNECT` */
  connect: 0,
  /** `SMFIM_HELO` */
  helo: 1,
  /** `SMFIM_ENVFROM` */
  mail: 2,
  /** `SMFIM_ENVRCPT` */
  rcpt: 3,
  /** `SMFIM_DATA` */
  data: 4,
  /** `SMFIM_EOM` */
  endOfMessage: 5,
  /** `SMFIM_EOH` */
  endOfHeaders: 6,
} as const;

/** The flags in a mask, for messages: `"ADD_HEADERS, 0x400000"`, those without a name as one number. */
export function flagNames(flags: Readonly<Record<string, number>>, mask: number): string {
  const names = Object.keys(flags).filter((name) => (mask & flags[name]!) !== 0);
  const unnamed = names.reduce((left, name) => left & ~flags[name]!, mask) >>> 0;
  return [...names, ...unnamed === 0 ? [] : [`0x${unnamed.toString(16)}`]].join(", ");
}

/** The most bytes of one body chunk, either way, under these protocol flags. */
export function chunkLimit(protocol: number): number {
  if (protocol & PROTOCOL.CHUNK_1M) return 1024 * 1024 - 1;
  if (protocol & PROTOCOL.CHUNK_256K) return 256 * 1024 - 1;
  return 65535;
}
