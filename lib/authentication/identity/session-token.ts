import { verify, type KeyObject } from 'node:crypto';

/** A JWT in the encoding that Clerk uses, decoded but not verified. */
export interface DecodedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly signature: Buffer;
}

/** A token that Clerk certainly cannot decode. */
export const UNDECODABLE = Symbol('undecodable');

/** The `cat` values that Clerk accepts for a session. The last one is on every kind of token of some instances. */
export const SESSION_CATEGORIES: readonly unknown[] = [undefined, 'cl_B7d4PD111AAA', 'cl_I7d4PD111III'];
const OAUTH_TYPES: readonly unknown[] = ['at+jwt', 'application/at+jwt'];
const MACHINE_SUBJECT = 'mch_';
const HEADER_FIELDS: readonly string[] = ['alg', 'cat', 'kid', 'typ'];
/** Anything but visible ASCII: on its way to Clerk, a header value may be changed or rejected because of it. */
const UNUSUAL = /[^\x21-\x7e]/;
/** The first byte of a byte order mark, which Clerk skips and `JSON.parse()` does not. */
const BYTE_ORDER_MARK = 0xef;

/**
 * Decodes a JWT. Returns `undefined` if it is not certain what Clerk makes of it: unusual characters and encodings,
 * and parts that are JSON but no object.
 */
export function decodeToken(token: string): DecodedToken | typeof UNDECODABLE | undefined {
  const [header, payload, signature, ...rest] = token.split('.');
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) {
    return UNUSUAL.test(token) ? undefined : UNDECODABLE;
  }
  const signatureBytes = decodeBase64(signature);
  const fields = decodeObject(header);
  const claims = decodeObject(payload);
  const parts = [signatureBytes, fields, claims];
  if (parts.includes(undefined)) return undefined;
  if (parts.includes(UNDECODABLE)) return UNUSUAL.test(token) ? undefined : UNDECODABLE;
  return {
    header: fields as DecodedToken['header'],
    payload: claims as DecodedToken['payload'],
    signature: signatureBytes as Buffer,
  };
}

function decodeObject(part: string): Record<string, unknown> | typeof UNDECODABLE | undefined {
  const bytes = decodeBase64(part);
  if (bytes === undefined || bytes === UNDECODABLE) return bytes;
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === 'object' && !Array.isArray(value)
      ? ((value as Record<string, unknown> | null) ?? undefined)
      : undefined;
  } catch {
    return bytes[0] === BYTE_ORDER_MARK ? undefined : UNDECODABLE;
  }
}

/** Clerk rejects encodings that are not canonical, which libraries accept, but allows padding. */
function decodeBase64(part: string): Buffer | typeof UNDECODABLE | undefined {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') === part) return bytes;
  return part.endsWith('=') ? undefined : UNDECODABLE;
}

/** Whether Clerk treats this token as a machine token, by its own rule. */
export function isMachineJwt({ header, payload, signature }: DecodedToken): boolean {
  if (signature.length === 0) return false;
  const { sub } = payload;
  return OAUTH_TYPES.includes(header.typ) || (typeof sub === 'string' && sub.startsWith(MACHINE_SUBJECT));
}

/** Whether this is a token of another kind by its category, such as one of a JWT template. */
export function hasOtherCategory({ header }: DecodedToken): boolean {
  return !SESSION_CATEGORIES.includes(header.cat);
}

/** Whether the header has only the fields and values that Clerk issues for sessions. */
export function hasUsualHeader({ header }: DecodedToken): boolean {
  const { alg, typ, kid } = header;
  const isUsual = alg === 'RS256' && typ === 'JWT' && typeof kid === 'string';
  return isUsual && Object.keys(header).every((name) => HEADER_FIELDS.includes(name));
}

/**
 * Whether the token is signed with this key. Always checks RS256, whatever algorithm the header names.
 * @param signature The last part of the token, if it is decoded already.
 */
export function isSignedBy(token: string, key: KeyObject, signature = signatureOf(token)): boolean {
  // Synchronous on purpose: WebCrypto (as in jose) runs on the thread pool and takes twice the time.
  return verify('RSA-SHA256', Buffer.from(token.slice(0, token.lastIndexOf('.'))), key, signature);
}

function signatureOf(token: string): Buffer {
  return Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url');
}
