import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

import { newId } from './ids.js';

/** A key pair of the instance. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** What to sign, and with what. Fields that are `undefined` are left out of the token. */
export interface SignOptions {
  readonly claims: object;
  /** Replaces or adds fields of the protected header. */
  readonly header?: Readonly<Record<string, unknown>>;
  /**
   * Signs with this private key instead of the instance's, for forgeries. The header still names the instance's `kid`.
   */
  readonly privateKey?: KeyObject;
}

/** The signing keys of an instance: one current, older ones still published until retired. */
export class SigningKeys {
  private keys: SigningKey[] = [];

  constructor() {
    this.rotate();
  }

  get current(): SigningKey {
    return this.keys[0] as SigningKey;
  }

  /** The current public key, as `jwtKey` takes it. */
  get pem(): string {
    return createPublicKey(this.current.privateKey).export({ type: 'spki', format: 'pem' }).toString();
  }

  /** Makes a new key the current one. @returns its `kid`. */
  rotate(): string {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = { kid: newId('ins'), privateKey };
    this.keys.unshift(key);
    return key.kid;
  }

  /** Publishes a key no longer. The current one cannot be retired. */
  retire(kid: string): void {
    this.keys = this.keys.filter((key) => key === this.current || key.kid !== kid);
  }

  /** What `GET /v1/jwks` answers. */
  jwks(): object {
    const keys = this.keys.map(({ kid, privateKey }) => ({
      use: 'sig',
      kid,
      alg: 'RS256',
      ...createPublicKey(privateKey).export({ format: 'jwk' }),
    }));
    return { keys };
  }

  /** An RS256 token; nothing about header or claims is checked, so that bad ones can be made. */
  sign({ claims, header, privateKey = this.current.privateKey }: SignOptions): string {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const input = `${encode({ alg: 'RS256', kid: this.current.kid, typ: 'JWT', ...header })}.${encode(claims)}`;
    return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
  }
}
