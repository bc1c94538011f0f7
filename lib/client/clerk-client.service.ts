import { createClerkClient, type ClerkClient } from '@clerk/backend';

import type { ResolvedClerkOptions } from '../options/resolved-options.js';

/**
 * The Clerk Backend client of the application, to inject wherever Clerk's resources are needed. It is
 * `@clerk/backend`'s own client with all its APIs: `users`, `organizations`, `sessions`, `apiKeys`, `m2m`, …
 *
 * @example
 * constructor(private readonly clerk: ClerkClientService) {}
 * // …
 * const user = await this.clerk.users.getUser(userId);
 * @see https://clerk.com/docs/reference/backend/overview
 */
// The class is what Nest injects by; its members are Clerk's, merged in so that none is declared a second time. Nobody
// constructs it (it is abstract), so no member can be missing: what eslint warns of cannot happen.
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

/** Builds the client from the settled options, unless the application brings its own. */
export function createClient(options: ResolvedClerkOptions): ClerkClient {
  return options.clerkClient ?? buildClient(options);
}

/** Builds a client, whatever the application brings. */
export function buildClient(options: Pick<ResolvedClerkOptions, (typeof CLIENT_OPTIONS)[number]>): ClerkClient {
  const { publishableKey, secretKey, machineSecretKey, jwtKey, apiUrl, apiVersion, telemetry } = options;
  return createClerkClient({
    ...{ publishableKey, secretKey, machineSecretKey, jwtKey, apiUrl, apiVersion, telemetry },
    userAgent: `${SDK_NAME}@${SDK_VERSION}`,
    sdkMetadata: { name: SDK_NAME, version: SDK_VERSION, environment: process.env.NODE_ENV },
  });
}

const SDK_NAME = 'nest-clerk';
/** Kept equal to package.json's version by a test. */
const SDK_VERSION = '0.1.0';
