import { decodeJwt, decodeProtectedHeader } from 'jose';

import { FORBIDDEN, inBoth, inHeader, request, token, UNAUTHORIZED, type Attack, type Family } from './entry.js';
import { assemble, constant, rs256, withMembers, withPayloadText } from './forge.js';

const POLLUTION = 'CWE-1321';
const RIGHTS = '{"id":"org_1","slg":"acme","rol":"admin","per":"create","fpm":"1"}';

/** Claims that Clerk signed: applications may put text written by users into them. */
const rights = (name: string, members: string): Attack => ({
  name,
  source: POLLUTION,
  outcome: FORBIDDEN,
  requests: ({ clerk, good }) =>
    inBoth(withPayloadText(good.session, withMembers(decodeJwt(good.session), members), rs256(clerk.signingKey))),
});

const organization = { id: 'org_1', rol: 'admin', slg: 'acme', per: 'create', fpm: '1' };

/** Permissions that were never granted. */
export const permissions: Family = {
  name: 'permissions',
  at: 'permission',
  control: async ({ clerk }) => [
    inHeader(await clerk.sessionToken({ claims: { o: organization, fea: 'o:invoices' } })),
  ],
  attacks: [
    rights('an organization in __proto__', `"__proto__":{"o":${RIGHTS},"fea":"o:invoices","polluted":true}`),
    rights('an organization in constructor.prototype', `"constructor":{"prototype":{"o":${RIGHTS},"polluted":true}}`),
    rights(
      'an organization that inherits its permissions',
      `"fea":"o:invoices","o":{"__proto__":${RIGHTS},"polluted":true}`,
    ),
    rights(
      'an organization in an escaped __proto__',
      `"\\u005f_proto__":{"o":${RIGHTS},"fea":"o:invoices","polluted":true}`,
    ),
    rights(
      'claims of version 1 in a token of version 2',
      '"org_permissions":["org:invoices:create"],"org_role":"org:admin"',
    ),
    rights('permissions of another feature', `"fea":"o:reports","o":${RIGHTS}`),
    rights('a feature of the user instead of the organization', `"fea":"u:invoices","o":${RIGHTS}`),
    rights(
      'a feature-permission map without the permission',
      `"fea":"o:invoices","o":${RIGHTS.replace('"fpm":"1"', '"fpm":"0"')}`,
    ),
    rights(
      'a feature-permission map for another permission',
      `"fea":"o:invoices","o":${RIGHTS.replace('"fpm":"1"', '"fpm":"2"')}`,
    ),
    rights('permissions without an organization', '"fea":"o:invoices","per":"create","fpm":"1"'),
    {
      name: 'permissions added by the caller, with the original signature',
      source: 'RFC 7515 §5.2',
      outcome: { strict: UNAUTHORIZED.strict },
      requests: ({ good }) =>
        inBoth(
          assemble(
            decodeProtectedHeader(good.session),
            { ...decodeJwt(good.session), o: organization, fea: 'o:invoices' },
            constant(good.session.split('.')[2]),
          ),
        ),
    },
  ],
};

/** Members with a special meaning in JavaScript. */
export const prototypes: Family = {
  name: 'prototypes',
  control: ({ good }) => inBoth(good.session),
  attacks: [
    ...['sub', 'exp'].map((claim) =>
      token(`${claim} in __proto__`, POLLUTION, ({ clerk, good }) => {
        const { [claim]: value, ...claims } = decodeJwt(good.session);
        const members = `"__proto__":{"${claim}":${JSON.stringify(value)},"polluted":true}`;
        return withPayloadText(good.session, withMembers(claims, members), rs256(clerk.signingKey));
      }),
    ),
    token('all claims in __proto__', POLLUTION, ({ clerk, good }) =>
      withPayloadText(
        good.session,
        `{"__proto__":${JSON.stringify(decodeJwt(good.session))}}`,
        rs256(clerk.signingKey),
      ),
    ),
    token('all header fields in __proto__', POLLUTION, ({ clerk, good }) =>
      assemble(
        `{"__proto__":${JSON.stringify(decodeProtectedHeader(good.session))}}`,
        decodeJwt(good.session),
        rs256(clerk.signingKey),
      ),
    ),
    request('HTTP headers named __proto__ and constructor', 'CVE-2026-21710 (Node.js)', () => ({
      headers: [
        ['__proto__', '{"polluted":true}'],
        ['constructor', 'x'],
      ],
    })),
    request('query parameters named __proto__', POLLUTION, () => ({
      query: '?__proto__[polluted]=true&constructor[prototype][polluted]=true&__proto__.polluted=true',
    })),
    request('a form with fields named __proto__', POLLUTION, () => {
      const body = '__proto__[polluted]=true&constructor[prototype][polluted]=true&__proto__.polluted=true';
      return {
        method: 'POST',
        headers: [
          ['Content-Type', 'application/x-www-form-urlencoded'],
          ['Content-Length', String(body.length)],
        ],
        body,
      };
    }),
  ],
};
