import type { ClerkClient } from '@clerk/backend';
import type { OrganizationSyncOptions } from '@clerk/backend/internal';

import type { ResolveOptions } from './clerk-options.js';
import type {
  AudienceByTokenType,
  DefaultProtection,
  FrontendApiProxyOptions,
  OnError,
  ValueOrFunction,
  WebSocketOptions,
} from './option-types.js';
import type { GraphqlOptions, RpcOptions, TransportAdapters } from './transport-options.js';

/** Options after environment, defaults and validation; frozen. */
export interface ResolvedClerkOptions {
  /** Empty if the module has no instance of its own, or only a machine secret key. */
  readonly publishableKey: string;
  /** Empty in the same cases. */
  readonly secretKey: string;
  /** Whether only a machine secret key is set, so only M2M tokens can be verified. */
  readonly machineOnly: boolean;
  readonly machineSecretKey: string | undefined;
  readonly jwtKey: string | undefined;
  readonly audience: Readonly<AudienceByTokenType>;
  readonly requireAudience: boolean;
  readonly authorizedParties: readonly string[] | undefined;
  readonly allowMissingAzp: boolean;
  readonly treatPendingAsSignedOut: boolean;
  readonly clockSkewInMs: number;
  readonly timeoutInMs: number;
  readonly maxRetries: number;
  readonly maxPendingCalls: number;
  readonly staleKeysInMs: number;
  readonly domain: ValueOrFunction<string> | undefined;
  readonly isSatellite: ValueOrFunction<boolean>;
  readonly satelliteAutoSync: boolean | undefined;
  readonly proxyUrl: ValueOrFunction<string> | undefined;
  readonly signInUrl: string | undefined;
  readonly signUpUrl: string | undefined;
  readonly afterSignInUrl: string | undefined;
  readonly afterSignUpUrl: string | undefined;
  readonly organizationSyncOptions: OrganizationSyncOptions | undefined;
  readonly enableHandshake: boolean;
  readonly apiUrl: string;
  readonly apiVersion: string;
  readonly clerkClient: ClerkClient | undefined;
  readonly protection: DefaultProtection;
  readonly redirectToSignIn: boolean;
  readonly onError: OnError | undefined;
  readonly resolveOptions: ResolveOptions | undefined;
  readonly endStreamsOnExpiry: boolean;
  readonly rpc: RpcOptions | undefined;
  readonly graphql: GraphqlOptions | undefined;
  readonly transports: TransportAdapters | undefined;
  readonly frontendApiProxy: Required<FrontendApiProxyOptions> | undefined;
  /** `false` if nothing is cached. */
  readonly verificationCache:
    | false
    | { readonly maxEntries: number; readonly maxBytes: number; readonly machineTokens: { readonly ttl: number } };
  /** `false` if every request loads its user. */
  readonly currentUserCache: false | { readonly maxAgeInMs: number; readonly maxEntries: number };
  readonly webSocket: WebSocketOptions;
  readonly directVerification: boolean;
  readonly explainDenials: boolean;
  readonly debug: boolean;
  readonly telemetry: { readonly disabled?: boolean; readonly debug?: boolean };
}

/** Injection token of {@link ResolvedClerkOptions}. */
export const CLERK_OPTIONS = Symbol.for('nest-clerk:options');
