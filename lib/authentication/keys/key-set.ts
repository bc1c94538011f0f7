import { createPublicKey, type KeyObject } from 'node:crypto';

import { ClerkUnavailableError } from '../../errors/clerk.errors.js';

/**
 * A key that verifies nothing: its modulus is empty, so it cannot even be imported, and every signature is refused.
 * Clerk is always given some key, so that it never fetches any by itself; where a request needs none, it is this one.
 */
export const NO_KEY = '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----';

/** The public keys of one Clerk instance. */
export interface KeySet {
  /**
   * The key with this `kid` as PEM, or `null` where the instance has no such key.
   * @throws ClerkUnavailableError | ClerkKeyRefusedError where that cannot be told.
   */
  find(kid: string | null): Promise<string | null>;

  /** The same, ready to verify with; but only where it is at hand, without any fetching. */
  getCached(kid: string): KeyObject | null;

  /**
   * Any current key, for what names none that can be read, or only later (a handshake).
   * @throws ClerkUnavailableError | ClerkKeyRefusedError where none can be had.
   */
  current(): Promise<string>;

  /** How long what they verified may be relied on: after this they are looked at anew. In milliseconds since 1970. */
  freshUntil(): number;
}

/** The one key that the `jwtKey` option names: as with Clerk, whatever `kid` a token carries. */
export class StaticKeySet implements KeySet {
  private key: KeyObject | undefined;

  constructor(private readonly pem: string) {}

  find(): Promise<string> {
    return Promise.resolve(this.pem);
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

/** Without a secret key there is nobody to ask: JWTs cannot be verified, only what Clerk verifies itself. */
export const EMPTY_KEY_SET: KeySet = {
  find: () => Promise.resolve(null),
  getCached: () => null,
  current: () => Promise.reject(new ClerkUnavailableError('There is no secretKey to fetch keys with')),
  freshUntil: () => Infinity,
};
