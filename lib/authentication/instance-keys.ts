import { createRemoteJWKSet, customFetch, errors, exportSPKI, type CryptoKey } from 'jose';

import { ClerkKeyRefusedError, ClerkUnavailableError } from '../errors/clerk.errors.js';

/** The public keys of one Clerk instance, as PEM. */
export interface InstanceKeys {
  /**
   * The key with this `kid`, or `null` where the instance has no such key.
   * @throws ClerkUnavailableError | ClerkKeyRefusedError where that cannot be told.
   */
  find(kid: string | null): Promise<string | null>;

  /**
   * Any current key, for what names its key only later (a handshake).
   * @throws ClerkUnavailableError | ClerkKeyRefusedError where none can be had.
   */
  current(): Promise<string>;
}

/** The one key that the `jwtKey` option names: as with Clerk, whatever `kid` a token carries. */
export class StaticInstanceKeys implements InstanceKeys {
  constructor(private readonly pem: string) {}

  find(): Promise<string> {
    return Promise.resolve(this.pem);
  }

  current(): Promise<string> {
    return Promise.resolve(this.pem);
  }
}

/** Without a secret key there is nobody to ask: JWTs cannot be verified, only what Clerk verifies itself. */
export const NO_INSTANCE_KEYS: InstanceKeys = {
  find: () => Promise.resolve(null),
  current: () => Promise.reject(new ClerkUnavailableError('There is no secretKey to fetch keys with')),
};

/** Clerk rotates keys rarely; a removed one must die all the same. */
const MAX_AGE_MS = 5 * 60_000;
/** A flood of unknown `kid`s causes at most one fetch in this time. */
const COOLDOWN_MS = 30_000;
/** While fetches fail: so many at once, and one more each time this has passed. A flood must not keep Clerk down. */
const FAILURES_AT_ONCE = 10;
const RETRY_AFTER_MS = 3_000;

export interface RemoteInstanceKeysOptions {
  readonly apiUrl: string;
  readonly apiVersion: string;
  readonly secretKey: string;
  readonly timeoutInMs: number;
}

/**
 * The keys as the Backend API publishes them. jose fetches and caches; Clerk's own fetching is not used because it
 * retries for seconds, fetches anew for every unknown `kid`, and reports an outage as a bad token.
 */
export class RemoteInstanceKeys implements InstanceKeys {
  /** When each of the latest fetches began that did not succeed; in milliseconds since 1970. */
  private attempts: number[] = [];
  private readonly jwks: ReturnType<typeof createRemoteJWKSet>;
  private readonly pems = new WeakMap<CryptoKey, Promise<string>>();

  constructor(
    options: RemoteInstanceKeysOptions,
    fetch: typeof globalThis.fetch = globalThis.fetch,
    private readonly now: () => number = Date.now,
  ) {
    const url = `${options.apiUrl.replace(/\/+$/, '')}/${options.apiVersion}/jwks`;
    this.jwks = createRemoteJWKSet(new URL(url), {
      headers: { Authorization: `Bearer ${options.secretKey}` },
      timeoutDuration: options.timeoutInMs,
      cooldownDuration: COOLDOWN_MS,
      cacheMaxAge: MAX_AGE_MS,
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
    try {
      const key = await this.toPem(await this.jwks({ alg: 'RS256', kid }));
      this.attempts = [];
      return key;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) {
        this.attempts = [];
        return null;
      }
      throw toFailure(error);
    }
  }

  async current(): Promise<string> {
    try {
      if (!this.jwks.fresh) await this.jwks.reload();
    } catch (error) {
      throw toFailure(error);
    }
    const kid = this.jwks.jwks()?.keys.find((key) => key.kty === 'RSA')?.kid;
    const pem = kid === undefined ? null : await this.find(kid);
    if (pem === null) throw new ClerkUnavailableError('The Backend API published no usable key');
    return pem;
  }

  /** @throws ClerkUnavailableError where too many fetches have failed lately to try another one now. */
  private spendAttempt(): void {
    const now = this.now();
    this.attempts = this.attempts.filter((began) => now - began < FAILURES_AT_ONCE * RETRY_AFTER_MS);
    if (this.attempts.length >= FAILURES_AT_ONCE) {
      throw new ClerkUnavailableError('The keys could not be fetched lately, and are not fetched again yet');
    }
    this.attempts.push(now);
  }

  private toPem(key: CryptoKey): Promise<string> {
    let pem = this.pems.get(key);
    if (!pem) this.pems.set(key, (pem = exportSPKI(key)));
    return pem;
  }
}

/** Whatever keeps the keys from us is an outage, save a refusal of our own key. */
function toFailure(error: unknown): Error {
  if (error instanceof ClerkKeyRefusedError || error instanceof ClerkUnavailableError) return error;
  return new ClerkUnavailableError('The keys of the Clerk instance could not be fetched', {
    cause: error,
  });
}
