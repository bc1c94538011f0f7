import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

import {
  createRemoteJWKSet,
  customFetch,
  errors,
  exportSPKI,
  jwksCache,
  type CryptoKey,
  type ExportedJWKSCache,
  type JSONWebKeySet,
} from 'jose';

import { ClerkKeyRefusedError, ClerkUnavailableError } from '../errors/clerk.errors.js';
import type { InstanceKeys } from './instance-keys.js';

/** Clerk rotates keys rarely; a removed one must die all the same. */
const MAX_AGE_MS = 5 * 60_000;
/** A flood of unknown `kid`s causes at most one fetch in this time. */
const COOLDOWN_MS = 30_000;
/** While fetches fail: so many at once, and one more each time this has passed. A flood must not keep Clerk down. */
const FAILURES_AT_ONCE = 10;
const RETRY_AFTER_MS = 3_000;
/** How much of a request's time a fetch may take: where Clerk hangs, some has to be left to go on with known keys. */
const SHARE_OF_TIMEOUT = 1 / 2;

export interface RemoteInstanceKeysOptions {
  readonly apiUrl: string;
  readonly apiVersion: string;
  readonly secretKey: string;
  readonly timeoutInMs: number;
  /** How long known keys outlive their age while no new ones can be fetched. */
  readonly staleKeysInMs: number;
}

/**
 * The keys as the Backend API publishes them. jose fetches and caches; Clerk's own fetching is not used because it
 * retries for seconds, fetches anew for every unknown `kid`, and reports an outage as a bad token.
 */
export class RemoteInstanceKeys implements InstanceKeys {
  /** When each of the latest fetches began that did not succeed; in milliseconds since 1970. */
  private attempts: number[] = [];
  /** When the latest fetch failed for want of Clerk; none while Clerk is well. */
  private failedAt: number | undefined;
  private failure: Error | undefined;
  /** The keys as they were fetched last, and when (`uat`, in milliseconds since 1970); written by jose. */
  private readonly fetched: Partial<ExportedJWKSCache> = {};
  private readonly jwks: ReturnType<typeof createRemoteJWKSet>;
  /** The fetched keys ready for use; jose gives none that are too old, and fetches at its own will. */
  private local: { readonly jwks: JSONWebKeySet; readonly keys: ReadonlyMap<string, KeyObject> } | undefined;
  private readonly pems = new WeakMap<CryptoKey, Promise<string>>();

  constructor(
    private readonly options: RemoteInstanceKeysOptions,
    fetch: typeof globalThis.fetch = globalThis.fetch,
    private readonly now: () => number = () => Date.now(),
  ) {
    const url = `${options.apiUrl.replace(/(?<!\/)\/+$/, '')}/${options.apiVersion}/jwks`;
    this.jwks = createRemoteJWKSet(new URL(url), {
      headers: { Authorization: `Bearer ${options.secretKey}` },
      timeoutDuration: Math.ceil(options.timeoutInMs * SHARE_OF_TIMEOUT),
      cooldownDuration: COOLDOWN_MS,
      cacheMaxAge: MAX_AGE_MS,
      [jwksCache]: this.fetched as ExportedJWKSCache,
      [customFetch]: async (href, init) => {
        this.spendAttempt();
        const response = await fetch(href, init);
        if (response.status === 401 || response.status === 403) {
          throw new ClerkKeyRefusedError(`The Backend API answered ${response.status} to a request for the keys`);
        }
        return response;
      },
    });
  }

  async find(kid: string | null): Promise<string | null> {
    if (kid === null) return null;
    // Known callers do not wait for a Clerk that was down a moment ago.
    const outlived = this.failedAt === undefined ? null : this.atHand(kid);
    if (outlived) return pemOf(outlived);
    try {
      const key = await this.fetching(this.jwks({ alg: 'RS256', kid }));
      return await this.toPem(key);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return null;
      const known = error instanceof ClerkUnavailableError ? this.atHand(kid) : null;
      if (known) return pemOf(known);
      throw error;
    }
  }

  atHand(kid: string): KeyObject | null {
    const { jwks, uat = 0 } = this.fetched;
    const age = this.now() - uat;
    if (!jwks || age >= MAX_AGE_MS + (this.failedAt === undefined ? 0 : this.options.staleKeysInMs)) return null;
    if (age >= MAX_AGE_MS) this.retry();
    if (this.local?.jwks !== jwks) this.local = { jwks, keys: keysOf(jwks) };
    return this.local.keys.get(kid) ?? null;
  }

  async current(): Promise<string> {
    if (!this.jwks.fresh && !(this.failedAt !== undefined && this.fetched.jwks)) {
      await this.fetching(this.jwks.reload());
    }
    const kid = this.fetched.jwks?.keys.find((key) => key.kty === 'RSA')?.kid;
    const pem = kid === undefined ? null : await this.find(kid);
    if (pem === null) throw new ClerkUnavailableError('The Backend API published no usable key');
    return pem;
  }

  freshUntil(): number {
    const aged = (this.fetched.uat ?? 0) + MAX_AGE_MS;
    // While Clerk is down, what outlived keys verified is looked at anew as often as a fetch is tried.
    return this.failedAt === undefined ? aged : Math.max(aged, this.failedAt + RETRY_AFTER_MS);
  }

  /** Notes how a fetch ends, if there was one. */
  private async fetching<T>(work: Promise<T>): Promise<T> {
    try {
      const result = await work;
      this.succeeded();
      return result;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) {
        this.succeeded();
        throw error;
      }
      const failure = toFailure(error);
      this.failure = failure;
      // Where our own key is refused, that is no outage to be bridged.
      this.failedAt = failure instanceof ClerkUnavailableError ? this.now() : undefined;
      throw failure;
    }
  }

  private succeeded(): void {
    this.attempts = [];
    this.failedAt = undefined;
    this.failure = undefined;
  }

  /** Tries again to reach a Clerk that was down, while callers go on with the keys that are known. */
  private retry(): void {
    if (this.jwks.reloading || this.now() < (this.failedAt ?? 0) + RETRY_AFTER_MS) return;
    this.fetching(this.jwks.reload()).catch(() => undefined);
  }

  /** @throws what the last fetch failed with, where too many have failed lately to try another one now. */
  private spendAttempt(): void {
    const now = this.now();
    this.attempts = this.attempts.filter((began) => now - began < FAILURES_AT_ONCE * RETRY_AFTER_MS);
    if (this.attempts.length >= FAILURES_AT_ONCE) {
      throw this.failure ?? new ClerkUnavailableError('The keys are being fetched too often');
    }
    this.attempts.push(now);
  }

  private toPem(key: CryptoKey): Promise<string> {
    let pem = this.pems.get(key);
    if (!pem) this.pems.set(key, (pem = exportSPKI(key)));
    return pem;
  }
}

/** The keys that may verify session tokens, by their ids; as jose chooses them, none that is named twice. */
function keysOf({ keys }: JSONWebKeySet): ReadonlyMap<string, KeyObject> {
  const usable = keys.filter(
    ({ kty, alg = 'RS256', use = 'sig', key_ops: operations = ['verify'], kid }) =>
      kty === 'RSA' && alg === 'RS256' && use === 'sig' && operations.includes('verify') && typeof kid === 'string',
  );
  const single = usable.filter(({ kid }) => usable.filter((other) => other.kid === kid).length === 1);
  return new Map(single.map((key) => [key.kid as string, createPublicKey({ key: key as JsonWebKey, format: 'jwk' })]));
}

const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString().trim();

/** Whatever keeps the keys from us is an outage, save a refusal of our own key. */
function toFailure(error: unknown): Error {
  if (error instanceof ClerkKeyRefusedError || error instanceof ClerkUnavailableError) return error;
  return new ClerkUnavailableError('The keys of the Clerk instance could not be fetched', {
    cause: error,
  });
}
