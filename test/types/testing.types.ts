/** Compiled, never run: what users type in their tests does or does not compile. Checked by `npm run typecheck`. */
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { expectTypeOf } from 'expect-type';

import type { AuthenticatedMachineObject, SignedInAuthObject, SignedOutAuthObject } from '../../lib/index.js';
import { apiKey, m2mToken, oauthToken, signedIn, signedOut, TestCaller } from '../../lib/testing/index.js';

// Auth objects are of Clerk's own types, so that they fit wherever `@Auth()` does.
expectTypeOf(signedIn()).toEqualTypeOf<SignedInAuthObject>();
expectTypeOf(signedOut()).toEqualTypeOf<SignedOutAuthObject>();
expectTypeOf(apiKey()).toEqualTypeOf<AuthenticatedMachineObject<'api_key'>>();
expectTypeOf(m2mToken()).toEqualTypeOf<AuthenticatedMachineObject<'m2m_token'>>();
expectTypeOf(oauthToken()).toEqualTypeOf<AuthenticatedMachineObject<'oauth_token'>>();

declare const names: string[];
signedIn({ permissions: names, features: names, plans: names, orgRole: names[0] });
signedIn({ claims: { anything: ['goes'] }, actor: { sub: 'user_support', iss: 'dashboard' } });
// @ts-expect-error misspelt
signedIn({ permission: 'org:invoices:create' });
// @ts-expect-error no status of a session that could be signed in
signedIn({ sessionStatus: 'revoked' });
// @ts-expect-error an API key has a subject
apiKey({ userId: 'user_1' });

// The builder stays Nest's own, so that a test goes on overriding.
const caller = new TestCaller();
expectTypeOf(caller.override(Test.createTestingModule({}))).toEqualTypeOf<TestingModuleBuilder>();
expectTypeOf(caller.as(signedIn())).toEqualTypeOf<{ authorization: string }>();
for (const auth of [signedIn(), signedOut(), apiKey()]) caller.is(auth);
// @ts-expect-error not a testing module's builder
caller.override({});
// @ts-expect-error a user is not an auth object
caller.is({ userId: 'user_1' });
