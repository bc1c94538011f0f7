import { createHmac, sign, type KeyObject } from 'node:crypto';

import { decodeJwt, decodeProtectedHeader } from 'jose';

/** Signs the first two parts of a token. */
export type Signer = (input: string) => string;

/** As base64url: a string as it is, anything else as JSON. */
export const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export const rs256 =
  (key: KeyObject, digest = 'RSA-SHA256'): Signer =>
  (input) =>
    sign(digest, Buffer.from(input), key).toString('base64url');

export const hmac =
  (secret: string | Buffer, digest = 'sha256'): Signer =>
  (input) =>
    createHmac(digest, secret).update(input).digest('base64url');

/** No signature, or the same one for every input. */
export const constant =
  (signature = ''): Signer =>
  () =>
    signature;

export function assemble(header: unknown, claims: unknown, signer: Signer): string {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${signer(input)}`;
}

/** The token with fields of its header replaced (`undefined` removes one), signed again. */
export function withHeader(token: string, fields: Readonly<Record<string, unknown>>, signer: Signer): string {
  return assemble({ ...decodeProtectedHeader(token), ...fields }, decodeJwt(token), signer);
}

/** The token with the given text instead of the JSON of its header or payload, signed again. */
export const withHeaderText = (token: string, text: string, signer: Signer): string =>
  assemble(text, decodeJwt(token), signer);
export const withPayloadText = (token: string, text: string, signer: Signer): string =>
  assemble(decodeProtectedHeader(token), text, signer);

export function partsOf(token: string): { header: string; payload: string; signature: string } {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return { header, payload, signature };
}

/** The JSON of an object with members appended, even if their names occur twice. */
export const withMembers = (object: object, members: string): string =>
  JSON.stringify(object).replace(/\}$/, `,${members}}`);
