import { decodeJwt } from 'jose';

import { inBoth, inHeader, token, type Attack, type Family, type Stage } from './entry.js';
import { rs256, withPayloadText } from './forge.js';

const seconds = () => Math.floor(Date.now() / 1000);

/** Claims that Clerk never writes, signed with the instance's key. */
const claiming = (name: string, source: string, claims: () => Record<string, unknown>): Attack =>
  token(name, source, ({ clerk }) => clerk.sessionToken({ expiresIn: 3600, claims: claims() }));

/** A claim as raw JSON text, for values that JSON.stringify cannot write. */
const written = (name: string, source: string, claim: string, text: string): Attack =>
  token(name, source, ({ clerk, good }: Stage) => {
    const claims = { ...decodeJwt(good.session), [claim]: 'PLACE' };
    return withPayloadText(good.session, JSON.stringify(claims).replace('"PLACE"', text), rs256(clerk.signingKey));
  });

/** The clock skew, in seconds. Wide enough that a busy machine does not change which side of it a date is on. */
const TOLERANCE = 60;

/** Dates and subjects. */
export const claims: Family = {
  name: 'dates and subjects',
  options: () => ({ clockSkewInMs: TOLERANCE * 1000 }),
  control: async ({ clerk, good }) => [
    ...inBoth(good.session),
    inHeader(await clerk.sessionToken({ claims: { exp: seconds() - TOLERANCE / 2 } })),
    inHeader(await clerk.sessionToken({ claims: { nbf: seconds() + TOLERANCE / 2 } })),
    inHeader(await clerk.sessionToken({ claims: { iat: seconds() + TOLERANCE / 2 } })),
    inHeader(await clerk.sessionToken({ omit: ['nbf', 'iat'] })),
  ],
  attacks: [
    claiming('expired one second beyond the clock skew', 'RFC 7519 §4.1.4', () => ({ exp: seconds() - TOLERANCE - 1 })),
    claiming('expired beyond the clock skew, with a fractional date', 'RFC 7519 §2', () => ({
      exp: seconds() - TOLERANCE - 1.5,
    })),
    claiming('expired an hour ago', 'RFC 7519 §4.1.4', () => ({ exp: seconds() - 3600 })),
    claiming('expired before 1970', 'RFC 7519 §4.1.4', () => ({ exp: -1 })),
    claiming('expired in 1970', 'RFC 7519 §4.1.4', () => ({ exp: 0 })),
    claiming('no exp', 'RFC 8725 §3.10', () => ({ exp: undefined })),
    claiming('exp that is null', 'RFC 7519 §4.1.4', () => ({ exp: null })),
    claiming('exp that is a string', 'RFC 7519 §4.1.4', () => ({ exp: '9999999999' })),
    claiming('exp that is the string never', 'RFC 7519 §4.1.4', () => ({ exp: 'never' })),
    claiming('exp that is the string NaN', 'RFC 7519 §4.1.4', () => ({ exp: 'NaN' })),
    claiming('exp that is the string Infinity', 'RFC 7519 §4.1.4', () => ({ exp: 'Infinity' })),
    claiming('exp that is true', 'RFC 7519 §4.1.4', () => ({ exp: true })),
    claiming('exp that is a list', 'RFC 7519 §4.1.4', () => ({ exp: [9_999_999_999] })),
    claiming('exp that is an object', 'RFC 7519 §4.1.4', () => ({ exp: { valueOf: 9_999_999_999 } })),
    written('exp that is a bare NaN', 'RFC 8259 §6', 'exp', 'NaN'),
    written('exp that is a bare Infinity', 'RFC 8259 §6', 'exp', 'Infinity'),
    written('exp that is hexadecimal', 'RFC 8259 §6', 'exp', '0xFFFFFFFF'),
    written('exp with a plus sign', 'RFC 8259 §6', 'exp', '+9999999999'),
    claiming('nbf in the future, just beyond the clock skew', 'RFC 7519 §4.1.5', () => ({
      nbf: seconds() + TOLERANCE + 20,
    })),
    claiming('nbf in an hour', 'RFC 7519 §4.1.5', () => ({ nbf: seconds() + 3600 })),
    claiming('nbf that is a string', 'RFC 7519 §4.1.5', () => ({ nbf: '0' })),
    claiming('nbf that is null', 'RFC 7519 §4.1.5', () => ({ nbf: null })),
    claiming('nbf that is a list', 'RFC 7519 §4.1.5', () => ({ nbf: [0] })),
    claiming('iat in the future, just beyond the clock skew', 'RFC 7519 §4.1.6', () => ({
      iat: seconds() + TOLERANCE + 20,
    })),
    claiming('iat in an hour', 'RFC 7519 §4.1.6', () => ({ iat: seconds() + 3600 })),
    claiming('iat that is a string', 'RFC 7519 §4.1.6', () => ({ iat: 'now' })),
    claiming('iat that is null', 'RFC 7519 §4.1.6', () => ({ iat: null })),
    claiming('no sub', 'RFC 8725 §3.8', () => ({ sub: undefined })),
    claiming('sub that is null', 'RFC 7519 §4.1.2', () => ({ sub: null })),
    claiming('sub that is a number', 'RFC 7519 §4.1.2', () => ({ sub: 7 })),
    claiming('sub that is a list', 'RFC 7519 §4.1.2', () => ({ sub: ['user_1', 'user_2'] })),
    claiming('sub that is an object', 'RFC 7519 §4.1.2', () => ({ sub: { id: 'user_1' } })),
    claiming('sub that is a machine', 'RFC 8725 §3.12', () => ({ sub: 'mch_1' })),
  ],
};
