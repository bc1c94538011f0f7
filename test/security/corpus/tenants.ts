import type { ClerkModuleOptions, RequestOptions } from '../../../lib/index.js';
import type { Header } from '../../support/raw-http.js';
import { FORMS } from '../../support/tenant-answers.js';
import { inBoth, inCookie, inHeader, type Attack, type Family, type Sent, type Stage, UNAUTHORIZED } from './entry.js';
import { rs256, withHeader } from './forge.js';

const SUBSTITUTION = 'RFC 8725 §2.7';

const to = (tenant: string, sent: readonly Sent[]): readonly Sent[] =>
  sent.map(({ headers = [], ...rest }) => ({ ...rest, headers: [...headers, ['X-Tenant', tenant] satisfies Header] }));

/** Credentials of one tenant, sent to the other. */
const crossing = (name: string, tenant: string, send: (stage: Stage) => readonly Sent[] | Promise<readonly Sent[]>) =>
  ({
    name,
    source: SUBSTITUTION,
    outcome: UNAUTHORIZED,
    requests: async (stage) => to(tenant, await send(stage)),
  }) satisfies Attack;

/** Two instances behind one application, selected by a header; `form` makes the result of resolveOptions. */
const family = (name: string, form: (options: RequestOptions) => RequestOptions): Family => ({
  name,
  options: ({ clerk, neighbour }): ClerkModuleOptions => {
    const known = new Map<unknown, RequestOptions>([
      ['home', form(clerk.options)],
      ['next', form(neighbour.options)],
    ]);
    return {
      resolveOptions: ((request: { headers: Record<string, string> }) =>
        known.get(request.headers['x-tenant']) ?? form(clerk.options)) as ClerkModuleOptions['resolveOptions'],
    };
  },
  control: ({ good }) => [...to('home', inBoth(good.session)), ...to('next', inBoth(good.neighbour))],
  attacks: [
    crossing('a session of the first tenant, sent to the second', 'next', ({ good }) => inBoth(good.session)),
    crossing('a session of the second tenant, sent to the first', 'home', ({ good }) => inBoth(good.neighbour)),
    crossing('a session of the second tenant, sent to the default', 'unknown', ({ good }) => inBoth(good.neighbour)),
    crossing('a session of the first tenant with the kid of the second', 'next', ({ clerk, neighbour, good }) =>
      inBoth(withHeader(good.session, { kid: neighbour.keyId }, rs256(clerk.signingKey))),
    ),
    crossing('a session of the first tenant with the issuer of the second', 'next', async ({ clerk, neighbour }) =>
      inBoth(await clerk.sessionToken({ expiresIn: 3600, claims: { iss: neighbour.issuer } })),
    ),
    crossing('a session of the second tenant signed with the key of the first', 'next', async ({ clerk, neighbour }) =>
      inBoth(await neighbour.sessionToken({ expiresIn: 3600, key: clerk, header: { kid: neighbour.keyId } })),
    ),
    crossing('a valid cookie of the first tenant and a header of the second', 'home', ({ good }) => [
      { headers: [...(inHeader(good.neighbour).headers ?? []), ...(inCookie(good.session).headers ?? [])] },
    ]),
    crossing('an M2M JWT of the first tenant, sent to the second', 'next', ({ good }) => [inHeader(good.m2m)]),
  ],
});

/** Results of resolveOptions whose JSON or target does not show the options that they contain. */
const MISLEADING = [
  'an object of getters',
  'an object with a hidden toJSON()',
  'an instance of a class with toJSON()',
  'a Proxy that answers for a bare target',
  'a Proxy with toJSON()',
] as const;

export const tenants: readonly Family[] = [
  family('tenants', (options) => options),
  ...MISLEADING.map((form) =>
    family(`tenants whose options are ${form}`, FORMS[form] as (options: RequestOptions) => RequestOptions),
  ),
];
