/**
 * The MTA's side: calling milters of any make.
 *
 * @module
 */

export {};
