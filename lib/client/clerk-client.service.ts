import { createClerkClient, type ClerkClient } from '@clerk/backend';

import type { ResolvedClerkOptions } from '../options/resolved-options.js';

/**
 * The application's Clerk Backend client, for injection wherever Clerk's resources are needed. It is `@clerk/backend`'s
 * own client with all its APIs: `users`, `organizations`, `sessions`, `apiKeys`, `m2m`, …
 *
 * @example
 * ```ts
 * @Injectable()
 * export class UsersService {
 *   constructor(private readonly clerk: ClerkClientService) {}
 *
 *   find(userId: string) {
 *     return this.clerk.users.getUser(userId);
 *   }
 * }
 * ```
 * @see https://clerk.com/docs/reference/backend/overview
 */
// The class is the injection token. Its members are those of Clerk's client, merged in to avoid redeclaring them. The
// class is abstract and never constructed, so no member can be missing and the eslint warning does not apply.
/* eslint-disable @typescript-eslint/no-unsafe-declaration-merging, @typescript-eslint/no-empty-object-type */
export abstract class ClerkClientService {}
export interface ClerkClientService extends ClerkClient {}
/* eslint-enable */

/** All options that a client depends on. */
export const CLIENT_OPTIONS = [
  'publishableKey',
  'secretKey',
  'machineSecretKey',
  'jwtKey',
  'apiUrl',
  'apiVersion',
  'telemetry',
] as const satisfies readonly (keyof ResolvedClerkOptions)[];

/** Returns a client. The same one each time: all that need a client of an instance share it. */
export type GetClient = () => ClerkClient;

/**
 * Builds a client when it is first needed. Requests with a session token never need it, and building it takes more time
 * and memory than the rest of an instance.
 */
export function lazyClient(build: () => ClerkClient): GetClient {
  let client: ClerkClient | undefined;
  return () => (client ??= build());
}

/** Returns the application's own client if it provides one, and otherwise builds one from the resolved options. */
export function createClient(options: ResolvedClerkOptions): ClerkClient {
  return options.clerkClient ?? buildClient(options);
}

/** Builds a client, even if the application provides its own. */
export function buildClient(options: Pick<ResolvedClerkOptions, (typeof CLIENT_OPTIONS)[number]>): ClerkClient {
  const { publishableKey, secretKey, machineSecretKey, jwtKey, apiUrl, apiVersion, telemetry } = options;
  return createClerkClient({
    ...{ publishableKey, secretKey, machineSecretKey, jwtKey, apiUrl, apiVersion, telemetry },
    userAgent: `${SDK_NAME}@${SDK_VERSION}`,
    sdkMetadata: { name: SDK_NAME, version: SDK_VERSION, environment: process.env.NODE_ENV },
  });
}

const SDK_NAME = 'nest-clerk';
/** A test keeps this equal to the version in package.json. */
const SDK_VERSION = '0.1.0';
