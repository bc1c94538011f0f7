import { signedInAuthObject } from '@clerk/backend/internal';
import fc from 'fast-check';

import { SessionAuthObjects, type SessionClaims } from '../../../lib/authentication/identity/session-auth-objects.js';

const CONTEXT = { secretKey: 'sk_test_a', publishableKey: 'pk_test_a', apiUrl: 'http://127.0.0.1:1', apiVersion: 'v1' };

const rarely = <T>(usual: fc.Arbitrary<T>, ...others: unknown[]) =>
  fc.oneof(
    { weight: 8, arbitrary: usual },
    { weight: 1, arbitrary: fc.constantFrom(undefined, null, '', 7, ...others) },
  );
const text = fc.constantFrom('read', 'create,read', 'a', '1', '3,2', '0', '18446744073709551615', 'o:invoices,u:x');
const claims = fc.record(
  {
    v: rarely(fc.constant(2), 1, '2'),
    sub: fc.constantFrom('user_1', 'user_2'),
    sid: fc.constant('sess_1'),
    sts: rarely(fc.constantFrom('active', 'pending')),
    fva: rarely(fc.constant([0, -1])),
    act: rarely(fc.constant({ sub: 'user_3' })),
    fea: rarely(fc.constantFrom('o:invoices', 'o:invoices,o:reports,u:chat', 'uo:all')),
    pla: rarely(fc.constantFrom('o:pro', 'u:free')),
    o: rarely(
      fc.record(
        {
          id: fc.constant('org_1'),
          slg: rarely(fc.constant('acme')),
          rol: rarely(fc.constant('admin')),
          per: rarely(text),
          fpm: rarely(text),
        },
        { requiredKeys: [] },
      ),
      'x',
      [],
    ),
    org_id: rarely(fc.constant('org_2')),
    org_permissions: rarely(fc.constant(['org:a:b'])),
  },
  { requiredKeys: ['sub', 'sid'] },
);

const RIGHTS = [
  {},
  { role: 'org:admin' },
  { permission: 'org:invoices:read' },
  { feature: 'invoices' },
  { plan: 'org:pro' },
  { reverification: 'strict' },
];

/** The object in Clerk's order of properties, the results of its methods included. */
async function described(auth: ReturnType<typeof signedInAuthObject>) {
  return {
    keys: Object.getOwnPropertyNames(auth).sort(),
    json: JSON.stringify({ ...auth }),
    orgPermissions: auth.orgPermissions,
    rights: RIGHTS.map((params) => auth.has(params as never)),
    token: await auth.getToken(),
  };
}

describe('SessionAuthObjects', () => {
  it('builds the same objects as Clerk', async () => {
    const objects = new SessionAuthObjects(CONTEXT);
    const property = fc.asyncProperty(claims, async (given) => {
      const [ours, theirs] = [structuredClone(given), given].map((one) => one as unknown as SessionClaims);
      let expected: ReturnType<typeof signedInAuthObject>;
      try {
        expected = signedInAuthObject(CONTEXT, 'a.b.c', theirs!);
      } catch (error) {
        expect(() => objects.build('a.b.c', ours!)).toThrow((error as Error).constructor as never);
        return;
      }
      expect(await described(objects.build('a.b.c', ours!))).toEqual(await described(expected));
    });
    await fc.assert(property, { numRuns: 2_000 });
  });

  const CLAIMS = {
    ...{ v: 2, sub: 'user_1', sid: 'sess_1', sts: 'active', fea: 'o:invoices' },
    o: { id: 'org_1', rol: 'member', per: 'create,read', fpm: '3' },
  } as unknown as SessionClaims;

  it('freezes the object and its claims, and hides its methods from serializers', () => {
    const auth = new SessionAuthObjects(CONTEXT).build('a.b.c', structuredClone(CLAIMS));
    expect(Object.isFrozen(auth)).toBe(true);
    expect(Object.isFrozen(auth.sessionClaims.o)).toBe(true);
    expect(Object.isFrozen(auth.orgPermissions)).toBe(true);
    expect(Object.keys(auth)).not.toEqual(expect.arrayContaining(['has']));
    expect(auth.has(undefined as never)).toBe(false);
  });

  it('shows no secrets in debug()', () => {
    const shown = JSON.stringify(new SessionAuthObjects(CONTEXT).build('header.payload.signature', CLAIMS).debug());
    expect(shown).not.toContain('sk_test_a');
    expect(shown).not.toContain('payload');
  });

  it('does not confuse claims whose concatenation is equal', () => {
    const objects = new SessionAuthObjects(CONTEXT);
    const permissionsOf = (fea: string, per: string) =>
      objects.build('a.b.c', { ...CLAIMS, fea, o: { id: 'org_1', per, fpm: '1' } } as never).orgPermissions;
    for (const [fea, per] of [
      ['o:a', 'b\nc'],
      ['o:a\nb', 'c'],
    ] as const) {
      const claims = { ...CLAIMS, fea, o: { id: 'org_1', per, fpm: '1' } } as unknown as SessionClaims;
      expect(permissionsOf(fea, per)).toEqual(signedInAuthObject(CONTEXT, 'a.b.c', claims).orgPermissions);
    }
  });

  it('decodes permissions for each set of claims, and for equal claims once', () => {
    const objects = new SessionAuthObjects(CONTEXT);
    const [one, equal] = [0, 1].map(() => objects.build('a.b.c', structuredClone(CLAIMS)));
    const other = objects.build('a.b.c', { ...CLAIMS, o: { id: 'org_1', per: 'create,read', fpm: '1' } } as never);
    expect(one!.orgPermissions).toEqual(['org:invoices:create', 'org:invoices:read']);
    expect(equal!.orgPermissions).toBe(one!.orgPermissions);
    expect(other.orgPermissions).toEqual(['org:invoices:create']);
  });
});
