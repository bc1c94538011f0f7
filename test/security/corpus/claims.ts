import { decodeJwt } from 'jose';

import { inBoth, inHeader, token, type Attack, type Family, type Stage } from './entry.js';
import { rs256, withPayloadText } from './forge.js';

const seconds = () => Math.floor(Date.now() / 1000);

/** Claims that Clerk would never write, signed by its key all the same. */
const claiming = (name: string, source: string, claims: () => Record<string, unknown>): Attack =>
  token(name, source, ({ clerk }) => clerk.sessionToken({ expiresIn: 3600, claims: claims() }));

/** What JSON can say and JavaScript cannot. */
const written = (name: string, source: string, claim: string, text: string): Attack =>
  token(name, source, ({ clerk, good }: Stage) => {
    const claims = { ...decodeJwt(good.session), [claim]: 'PLACE' };
    return withPayloadText(good.session, JSON.stringify(claims).replace('"PLACE"', text), rs256(clerk.signingKey));
  });

/** In seconds. Wide enough for a machine that is busy to be within it, or beyond it, for sure. */
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
    claiming('expired a second beyond the tolerance', 'RFC 7519 §4.1.4', () => ({ exp: seconds() - TOLERANCE - 1 })),
    claiming('expired beyond the tolerance by a fraction', 'RFC 7519 §2', () => ({ exp: seconds() - TOLERANCE - 1.5 })),
    claiming('expired for an hour', 'RFC 7519 §4.1.4', () => ({ exp: seconds() - 3600 })),
    claiming('expired before 1970', 'RFC 7519 §4.1.4', () => ({ exp: -1 })),
    claiming('expired in 1970', 'RFC 7519 §4.1.4', () => ({ exp: 0 })),
    claiming('no expiry', 'RFC 8725 §3.10', () => ({ exp: undefined })),
    claiming('an expiry that is null', 'RFC 7519 §4.1.4', () => ({ exp: null })),
    claiming('an expiry that is text', 'RFC 7519 §4.1.4', () => ({ exp: '9999999999' })),
    claiming('an expiry called never', 'RFC 7519 §4.1.4', () => ({ exp: 'never' })),
    claiming('an expiry called NaN', 'RFC 7519 §4.1.4', () => ({ exp: 'NaN' })),
    claiming('an expiry called Infinity', 'RFC 7519 §4.1.4', () => ({ exp: 'Infinity' })),
    claiming('an expiry that is true', 'RFC 7519 §4.1.4', () => ({ exp: true })),
    claiming('a list of expiries', 'RFC 7519 §4.1.4', () => ({ exp: [9_999_999_999] })),
    claiming('an object as expiry', 'RFC 7519 §4.1.4', () => ({ exp: { valueOf: 9_999_999_999 } })),
    written('a bare NaN as expiry', 'RFC 8259 §6', 'exp', 'NaN'),
    written('a bare Infinity as expiry', 'RFC 8259 §6', 'exp', 'Infinity'),
    written('a hexadecimal expiry', 'RFC 8259 §6', 'exp', '0xFFFFFFFF'),
    written('an expiry with a plus', 'RFC 8259 §6', 'exp', '+9999999999'),
    claiming('not to be used yet, just beyond the tolerance', 'RFC 7519 §4.1.5', () => ({
      nbf: seconds() + TOLERANCE + 20,
    })),
    claiming('not to be used for an hour', 'RFC 7519 §4.1.5', () => ({ nbf: seconds() + 3600 })),
    claiming('a start that is text', 'RFC 7519 §4.1.5', () => ({ nbf: '0' })),
    claiming('a start that is null', 'RFC 7519 §4.1.5', () => ({ nbf: null })),
    claiming('a list of starts', 'RFC 7519 §4.1.5', () => ({ nbf: [0] })),
    claiming('made in the future, just beyond the tolerance', 'RFC 7519 §4.1.6', () => ({
      iat: seconds() + TOLERANCE + 20,
    })),
    claiming('made in an hour', 'RFC 7519 §4.1.6', () => ({ iat: seconds() + 3600 })),
    claiming('made at a time that is text', 'RFC 7519 §4.1.6', () => ({ iat: 'now' })),
    claiming('made at a time that is null', 'RFC 7519 §4.1.6', () => ({ iat: null })),
    claiming('no subject', 'RFC 8725 §3.8', () => ({ sub: undefined })),
    claiming('a subject that is null', 'RFC 7519 §4.1.2', () => ({ sub: null })),
    claiming('a subject that is a number', 'RFC 7519 §4.1.2', () => ({ sub: 7 })),
    claiming('a list of subjects', 'RFC 7519 §4.1.2', () => ({ sub: ['user_1', 'user_2'] })),
    claiming('an object as subject', 'RFC 7519 §4.1.2', () => ({ sub: { id: 'user_1' } })),
    claiming('a machine as subject', 'RFC 8725 §3.12', () => ({ sub: 'mch_1' })),
  ],
};
