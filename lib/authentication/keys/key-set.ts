import { createPublicKey, type KeyObject } from 'node:crypto';

import { ClerkUnavailableError } from '../../errors/clerk.errors.js';

/**
 * A key that verifies nothing: its modulus is empty, so it cannot be imported and every signature check fails. Clerk
 * always gets a key, so that it never fetches keys by itself; requests that need no key get this one.
 */
export const NO_KEY = '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----';

/** The public keys of one Clerk instance. */
export interface KeySet {
  /**
   * The key with this `kid` as PEM; `null` if the instance does not have it.
   * @throws ClerkUnavailableError if the keys cannot be fetched.
   * @throws ClerkKeyRejectedError if Clerk rejects the key of this application.
   */
  find(kid: string | null): Promise<string | null>;

  /**
   * Whether the instance certainly has no key with this `kid`, so that none is fetched: its keys were fetched moments
   * ago, or the token names no key (`null`).
   */
  isUnknown(kid: string | null): boolean;

  /** The key with this `kid`, ready for verification, if it is cached. It is never fetched. */
  getCached(kid: string | null): KeyObject | null;

  /**
   * Any current key, for a token that names no readable key, or whose key is known only later (a handshake).
   * @throws ClerkUnavailableError if the keys cannot be fetched.
   * @throws ClerkKeyRejectedError if Clerk rejects the key of this application.
   */
  current(): Promise<string>;

  /**
   * The time until which results of these keys may be cached, in milliseconds since 1970. After it, credentials are
   * verified again.
   */
  freshUntil(): number;
}

/** The key from the `jwtKey` option. As in Clerk's SDK, it applies to tokens with any `kid`. */
export class StaticKeySet implements KeySet {
  private key: KeyObject | undefined;

  constructor(private readonly pem: string) {}

  find(): Promise<string> {
    return Promise.resolve(this.pem);
  }

  isUnknown(): boolean {
    return false;
  }

  getCached(): KeyObject {
    return (this.key ??= createPublicKey(this.pem));
  }

  current(): Promise<string> {
    return Promise.resolve(this.pem);
  }

  freshUntil(): number {
    return Infinity;
  }
}

/**
 * Used without a secret key. Keys cannot be fetched, so JWTs cannot be verified; tokens that Clerk verifies itself
 * still can.
 */
export const EMPTY_KEY_SET: KeySet = {
  find: () => Promise.resolve(null),
  isUnknown: () => true,
  getCached: () => null,
  current: () => Promise.reject(new ClerkUnavailableError('There is no secretKey to fetch keys with')),
  freshUntil: () => Infinity,
};
