import type { KeyObject } from 'node:crypto';

import { createClerkClient, type ClerkClient } from '@clerk/backend';
import { decodeJwt } from 'jose';

import { computeCookieSuffix } from '../../lib/authentication/identity/credentials.js';
import { LocalClerk, type InstanceType } from '../../lib/testing/index.js';

/** The keys of an instance during a rotation, a key that it has removed, and one that it never published. */
export const KEYS = ['former', 'current', 'removed', 'unpublished'] as const;
export type KeyName = (typeof KEYS)[number];

/** A session in a browser, and the key that has signed its token. */
export interface SessionSpec {
  readonly key: KeyName;
  readonly isExpired: boolean;
}

/** A browser's request, as data. Whatever can be used only once is created for each request. */
export interface BrowserSpec {
  readonly header?: SessionSpec;
  readonly cookie?: SessionSpec;
  readonly suffixedCookie?: SessionSpec;
  readonly clientUat?: string;
  readonly suffixedClientUat?: string;
  readonly refresh?: 'good' | 'made-up';
  readonly handshake?: {
    readonly by: 'nonce' | 'token';
    readonly in: 'target' | 'cookie';
    readonly session: SessionSpec | null;
    /** The key that has signed the token of the handshake. */
    readonly key: KeyName;
  };
  readonly isNavigation: boolean;
}

export interface BrowserRequest {
  readonly target: string;
  readonly headers: Record<string, string>;
}

/** A local Clerk that publishes two keys and has removed a third. */
export class RotatingClerk {
  private constructor(
    readonly clerk: LocalClerk,
    private readonly other: LocalClerk,
    private readonly keys: Readonly<Record<KeyName, { readonly kid: string; readonly key: KeyObject }>>,
  ) {}

  static async start(instanceType: InstanceType): Promise<RotatingClerk> {
    const [clerk, other] = await Promise.all([LocalClerk.start({ instanceType }), LocalClerk.start()]);
    const current = (of = clerk) => ({ kid: of.keyId, key: of.signingKey });
    const removed = current();
    clerk.rotateKey();
    clerk.retireKey(removed.kid);
    const former = current();
    clerk.rotateKey();
    return new RotatingClerk(clerk, other, { former, current: current(), removed, unpublished: current(other) });
  }

  stop(): Promise<unknown> {
    return Promise.all([this.clerk.stop(), this.other.stop()]);
  }

  /** Clerk's own client, which fetches keys by itself. */
  client(): ClerkClient {
    const { publishableKey, secretKey, apiUrl, telemetry } = this.clerk.options;
    return createClerkClient({ publishableKey, secretKey, apiUrl, telemetry });
  }

  /** The number of nonces and refresh tokens that were exchanged with Clerk. */
  get exchanges(): number {
    const paths = this.clerk.requests.map(({ path }) => path);
    return paths.filter((path) => /\/handshake_payload$|\/refresh$/.test(path)).length;
  }

  /** A request of a browser in which `user` is signed in. */
  async request(spec: BrowserSpec, user: string): Promise<BrowserRequest> {
    const { clerk } = this;
    const suffix = computeCookieSuffix(clerk.publishableKey);
    const session = clerk.createSession({ user });
    const token = async (of: SessionSpec | undefined) => of && clerk.sessionToken(this.tokenOptions(of, session.id));
    const [header, cookie, suffixedCookie] = await Promise.all([
      token(spec.header),
      token(spec.cookie),
      token(spec.suffixedCookie),
    ]);
    const handshake = await this.handshake(spec.handshake, session.id);
    const name = spec.handshake?.by === 'nonce' ? '__clerk_handshake_nonce' : '__clerk_handshake';
    const cookies = {
      __session: cookie,
      [`__session_${suffix}`]: suffixedCookie,
      __client_uat: spec.clientUat,
      [`__client_uat_${suffix}`]: spec.suffixedClientUat,
      __clerk_db_jwt: 'dvb_1',
      [`__clerk_db_jwt_${suffix}`]: 'dvb_1',
      [`__refresh_${suffix}`]: spec.refresh === 'good' ? await this.refreshToken(session.id, suffix) : spec.refresh,
      [name]: spec.handshake?.in === 'cookie' ? handshake : undefined,
    };
    const sent = Object.entries(cookies).filter(([, value]) => value !== undefined);
    return {
      target: spec.handshake?.in === 'target' ? `?${name}=${handshake}` : '',
      headers: {
        cookie: sent.map((pair) => pair.join('=')).join('; '),
        ...(header === undefined ? {} : { authorization: `Bearer ${header}` }),
        'sec-fetch-dest': spec.isNavigation ? 'document' : 'empty',
      },
    };
  }

  private tokenOptions({ key: name, isExpired }: SessionSpec, session: string) {
    const { kid, key } = this.keys[name];
    const now = Math.floor(Date.now() / 1000);
    return { session, key, header: { kid }, issuedAt: isExpired ? now - 600 : now };
  }

  private async refreshToken(session: string, suffix: string): Promise<string> {
    const cookies = await this.clerk.browserCookies({ session });
    return new RegExp(`__refresh_${suffix}=(\\w+)`).exec(cookies)?.[1] as string;
  }

  private async handshake(spec: BrowserSpec['handshake'], session: string): Promise<string | undefined> {
    if (!spec) return undefined;
    const made = await this.clerk.createHandshake(spec.session && this.tokenOptions(spec.session, session));
    if (spec.by === 'nonce') return made.nonce;
    const { kid, key } = this.keys[spec.key];
    return this.clerk.sign({ claims: decodeJwt(made.token), key, header: { kid } });
  }
}
