import { deepStrictEqual } from 'node:assert';
import { deserialize, serialize } from 'node:v8';
import { inspect } from 'node:util';

import type { AuthObject } from '@clerk/backend';
import {
  authenticatedMachineObject,
  invalidTokenAuthObject,
  signedInAuthObject,
  signedOutAuthObject,
  unauthenticatedMachineObject,
} from '@clerk/backend/internal';

import { safeAuthObject } from '../../../lib/authentication/identity/safe-auth-object.js';
import { callEverything } from '../../support/walkers.js';

const TOKEN = 'token.of.somebody';
const claims = { sub: 'user_1', sid: 'sess_1', metadata: { roles: ['a'] }, fea: 'u:x', v: 2 };
const machine = { id: 'id_1', subject: 'user_1', name: 'deploy', scopes: ['a'], claims: { tier: { level: 1 } } };

/** Auth objects of each kind, as Clerk builds them. */
const KINDS: [kind: string, make: () => AuthObject][] = [
  ['a session', () => signedInAuthObject({ secretKey: 'sk_test_secret' }, TOKEN, claims as never)],
  ['a signed-out caller', () => signedOutAuthObject()],
  ['an API key', () => authenticatedMachineObject('api_key', TOKEN, machine as never)],
  ['an M2M token', () => authenticatedMachineObject('m2m_token', TOKEN, machine as never)],
  ['an OAuth token', () => authenticatedMachineObject('oauth_token', TOKEN, machine as never)],
  ['a missing API key', () => unauthenticatedMachineObject('api_key')],
  ['an invalid token', () => invalidTokenAuthObject()],
];

/** What generic code (serializers, loggers, cloners) does with an object. */
const WALKERS: Record<string, (auth: AuthObject) => unknown> = {
  'class-transformer, which calls functions': callEverything,
  'JSON.stringify': (auth) => JSON.parse(JSON.stringify(auth)),
  structuredClone: (auth) => structuredClone(auth),
  'v8.serialize': (auth) => deserialize(serialize(auth)),
  'a spread': (auth) => ({ ...auth }),
  'Object.assign': (auth) => Object.assign({}, auth),
  'Object.entries, calling': (auth) =>
    Object.fromEntries(
      Object.entries(auth).map(([name, value]) => [
        name,
        typeof value === 'function' ? (value as () => unknown)() : value,
      ]),
    ),
  'for … in': (auth) => {
    const seen: Record<string, unknown> = {};
    for (const name in auth) seen[name] = auth[name as keyof AuthObject];
    return seen;
  },
};

describe.each(KINDS)('the safe auth object of %s', (_, make) => {
  const auth = safeAuthObject(make());
  /** Clerk's own object as JSON, that is, without its functions. */
  const expected = JSON.parse(JSON.stringify(make())) as unknown;

  it.each(Object.entries(WALKERS))(
    'results in Clerk’s properties only, without functions or token, after %s',
    (_walker, walk) => {
      const walked = walk(auth);
      // JSON makes no difference between absent and undefined.
      expect(JSON.parse(JSON.stringify(walked))).toEqual(expected);
      expect(inspect(walked, { depth: null })).not.toMatch(/Promise|Function|token\.of/);
    },
  );

  it('equals another with the same properties, and is inspected without its token', () => {
    deepStrictEqual(auth, safeAuthObject(make()));
    expect(inspect(auth, { depth: null, showHidden: true })).not.toContain(TOKEN);
  });

  it('keeps the order of Clerk’s properties, and its working functions', async () => {
    const clerks = make();
    const isProperty = (name: string) => typeof clerks[name as 'has'] !== 'function';
    expect(Object.keys(auth)).toEqual(Object.keys(clerks).filter(isProperty));
    expect(Object.getOwnPropertyNames(auth).sort()).toEqual(Object.getOwnPropertyNames(clerks).sort());
    const { getToken, has, debug } = auth as AuthObject & { has(params: object): boolean };
    expect(await getToken()).toBe(await clerks.getToken());
    for (const params of [{}, { feature: 'x' }, { feature: 'y' }, { role: 'org:admin' }]) {
      expect(has(params)).toBe((clerks.has as (params: object) => boolean)(params));
    }
    expect(debug()).toEqual(expect.any(Object));
  });

  it.each([[], [undefined], [null], ['org:admin'], [0, 'has'], [true], [Symbol('x')]])(
    'returns false for has(%p)',
    (...args: unknown[]) => {
      expect((auth.has as (...args: unknown[]) => boolean)(...args)).toBe(false);
    },
  );

  it('is deeply frozen, while a clone can be changed', () => {
    for (const name of Object.getOwnPropertyNames(auth)) {
      expect(() => Object.assign(auth, { [name]: 'changed' })).toThrow(TypeError);
    }
    const copy = structuredClone(auth) as unknown as { sessionClaims?: typeof claims; claims?: typeof machine.claims };
    copy.sessionClaims?.metadata.roles.push('b');
    if (copy.claims) copy.claims.tier.level = 2;
    expect(JSON.parse(JSON.stringify(auth))).toEqual(expected);
  });

  it('keeps its properties and functions if it is made safe again', async () => {
    const again = safeAuthObject(auth);
    expect(Object.getOwnPropertyNames(again).sort()).toEqual(Object.getOwnPropertyNames(auth).sort());
    expect(Object.keys(again)).toEqual(Object.keys(auth));
    expect(await again.getToken()).toBe(await auth.getToken());
  });
});
