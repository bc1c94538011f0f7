/** Compiled, never run: what users type does or does not compile. Checked by `npm run typecheck`. */
/// <reference path="../../lib/types/express.ts" />
/// <reference path="../../lib/types/fastify.ts" />
import type { ArgumentsHost } from '@nestjs/common';
import type { Request } from 'express';
import type { FastifyRequest } from 'fastify';
import { expectTypeOf } from 'expect-type';
import type { ClerkClient } from '@clerk/backend';

import {
  AcceptsToken,
  anyOf,
  Auth,
  ClerkClientService,
  ClerkModule,
  getAuth,
  RequirePermission,
  toWebRequest,
  tryGetAuth,
  type AuthenticatedMachineObject,
  type AuthObject,
  type AuthObjectFor,
  type InvalidTokenAuthObject,
  type MachineAuthObject,
  type SessionAuthObject,
  type SignedInAuthObject,
} from '../../lib/index.js';

declare const express: Request;
declare const fastify: FastifyRequest;
declare const host: ArgumentsHost;
declare const clerk: ClerkClientService;

// Decorators take what they know, and nothing else.
AcceptsToken('session_token');
AcceptsToken('api_key', 'm2m_token', 'oauth_token');
AcceptsToken('any');
// @ts-expect-error misspelt
AcceptsToken('apikey');
// @ts-expect-error none
AcceptsToken();
RequirePermission('org:a', anyOf('org:b', 'org:c'));
// @ts-expect-error none
RequirePermission();
// @ts-expect-error no text
RequirePermission(5);
Auth();
Auth('userId');
Auth('machineId');
// @ts-expect-error no property of any auth object
Auth('user_id');

// Auth objects, by accepted token.
expectTypeOf<AuthObjectFor<'session_token'>>().toEqualTypeOf<SignedInAuthObject>();
expectTypeOf<AuthObjectFor<'api_key'>>().toEqualTypeOf<AuthenticatedMachineObject<'api_key'>>();
expectTypeOf<AuthObjectFor<['session_token', 'm2m_token']>>().toEqualTypeOf<
  SignedInAuthObject | AuthenticatedMachineObject<'m2m_token'>
>();
expectTypeOf<AuthObjectFor<'any'>['tokenType']>().toEqualTypeOf<
  'session_token' | 'api_key' | 'm2m_token' | 'oauth_token'
>();
expectTypeOf<AuthObjectFor<'session_token'>['userId']>().toEqualTypeOf<string>();

// getAuth, with the types of Clerk's own.
expectTypeOf(getAuth(express)).toEqualTypeOf<SessionAuthObject>();
expectTypeOf(getAuth(express, { acceptsToken: 'api_key' }).tokenType).toEqualTypeOf<'api_key'>();
expectTypeOf(getAuth(fastify, { acceptsToken: 'any' })).toEqualTypeOf<AuthObject>();
expectTypeOf(getAuth(fastify, { acceptsToken: ['session_token', 'api_key'] })).toExtend<
  SessionAuthObject | MachineAuthObject<'api_key'> | InvalidTokenAuthObject
>();
// @ts-expect-error misspelt
getAuth(express, { acceptsToken: 'machine_token' });

// tryGetAuth: the same forms, the same types, or undefined; the source may be missing.
expectTypeOf(tryGetAuth(express)).toEqualTypeOf<SessionAuthObject | undefined>();
expectTypeOf(tryGetAuth(host)).toEqualTypeOf<SessionAuthObject | undefined>();
expectTypeOf(tryGetAuth(null)).toEqualTypeOf<SessionAuthObject | undefined>();
expectTypeOf(tryGetAuth(undefined, { treatPendingAsSignedOut: false })).toEqualTypeOf<SessionAuthObject | undefined>();
expectTypeOf(tryGetAuth(express, { acceptsToken: 'api_key' }))
  .extract<undefined>()
  .toEqualTypeOf<undefined>();
expectTypeOf(tryGetAuth(express, { acceptsToken: 'api_key' }))
  .exclude<undefined>()
  .toEqualTypeOf(getAuth(express, { acceptsToken: 'api_key' }));
expectTypeOf(tryGetAuth(fastify, { acceptsToken: 'any' })).toEqualTypeOf<AuthObject | undefined>();
expectTypeOf(tryGetAuth(fastify, { acceptsToken: ['session_token', 'api_key'] }))
  .exclude<undefined>()
  .toEqualTypeOf(getAuth(fastify, { acceptsToken: ['session_token', 'api_key'] }));
// @ts-expect-error misspelt
tryGetAuth(express, { acceptsToken: 'machine_token' });
// @ts-expect-error no request
tryGetAuth('request');
// @ts-expect-error nobody may have been checked
void tryGetAuth(express).userId;

// One reference line types `request.auth`, on both platforms.
for (const { auth } of [express, fastify]) {
  expectTypeOf(auth.userId).toEqualTypeOf<string | null>();
  expectTypeOf(auth()).toEqualTypeOf<SessionAuthObject>();
  expectTypeOf(auth.toJSON()).toEqualTypeOf<Record<string, unknown>>();
  // @ts-expect-error no such property
  void auth.nonsense;
}
expectTypeOf(toWebRequest(express)).toEqualTypeOf<globalThis.Request>();
expectTypeOf(toWebRequest(fastify)).toEqualTypeOf<globalThis.Request>();

// The client is Clerk's, whole.
expectTypeOf(clerk).toExtend<ClerkClient>();
expectTypeOf(clerk.users.getUser).toEqualTypeOf<ClerkClient['users']['getUser']>();

// Options.
ClerkModule.forRoot();
ClerkModule.forRoot({ protection: 'lax', guard: false, isGlobal: false });
ClerkModule.forRootAsync({ guard: false, useFactory: () => ({ secretKey: 'sk' }) });
// @ts-expect-error misspelt
ClerkModule.forRoot({ protection: 'loose' });
// @ts-expect-error unknown
ClerkModule.forRoot({ secret: 'sk' });
