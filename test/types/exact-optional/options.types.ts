/**
 * Compiled, never run, with `exactOptionalPropertyTypes`: settings that may be undefined, as `config.get('X')` of a
 * ConfigService gives them, can be handed on as they are. A program of its own, since the flag holds for every file of it.
 */
import { expectTypeOf } from 'expect-type';

import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import type { RequestOptions } from '../../../lib/options/request-options.js';
import type { FrontendApiProxyOptions } from '../../../lib/options/rows/browser-options.js';
import type { VerificationCacheOptions } from '../../../lib/options/rows/performance-options.js';
import type { AudienceByTokenType } from '../../../lib/options/rows/claim-options.js';
import type { PresentedCredentials, TransportAdapter, WebSocketOptions } from '../../../lib/options/transport-types.js';

/** The names of optional properties that do not take `undefined`. */
type Exact<T> = {
  [K in keyof T]-?: object extends Pick<T, K> ? ({ [P in K]: undefined } extends Pick<T, K> ? never : K) : never;
}[keyof T];

// The type finds what it is for.
expectTypeOf<Exact<{ a?: string; b?: string | undefined; c: string }>>().toEqualTypeOf<'a'>();

expectTypeOf<Exact<RequestOptions>>().toBeNever();
expectTypeOf<Exact<ClerkModuleOptions>>().toBeNever();
expectTypeOf<Exact<AudienceByTokenType>>().toBeNever();
expectTypeOf<Exact<FrontendApiProxyOptions>>().toBeNever();
expectTypeOf<Exact<VerificationCacheOptions>>().toBeNever();
expectTypeOf<Exact<NonNullable<VerificationCacheOptions['machineTokens']>>>().toBeNever();
expectTypeOf<Exact<WebSocketOptions>>().toBeNever();
expectTypeOf<Exact<NonNullable<RequestOptions['telemetry']>>>().toBeNever();
expectTypeOf<Exact<NonNullable<RequestOptions['organizationSyncOptions']>>>().toBeNever();
expectTypeOf<Exact<TransportAdapter>>().toBeNever();
expectTypeOf<{ authorization: string | undefined }>().toExtend<PresentedCredentials>();

declare const config: { get(name: string): string | undefined };

({
  secretKey: config.get('CLERK_SECRET_KEY'),
  publishableKey: config.get('CLERK_PUBLISHABLE_KEY'),
  audience: { m2m_token: config.get('AUDIENCE') },
}) satisfies ClerkModuleOptions;
