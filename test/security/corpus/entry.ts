import type { ClerkModuleOptions } from '../../../lib/index.js';
import type { LocalClerk } from '../../../lib/testing/index.js';
import type { RawRequest } from '../../support/raw-http.js';

/** The Clerk instances and credentials from which attacks are made. */
export interface Stage {
  /** The application's instance. */
  readonly clerk: LocalClerk;
  /** Another tenant's instance. */
  readonly neighbour: LocalClerk;
  /** The attacker's instance: its keys sign forgeries, and it must never receive a request. */
  readonly attacker: LocalClerk;
  /** A production instance. */
  readonly production: LocalClerk;
  /** Valid credentials by kind of token; they do not expire while the tests run. */
  readonly good: Readonly<Record<GoodToken, string>>;
}

/** Session tokens of three instances, and the application's machine tokens. */
type GoodToken = 'session' | 'neighbour' | 'production' | 'm2m' | 'opaqueM2m' | 'oauth' | 'opaqueOauth' | 'apiKey';

/** A request; its default target is the route that the family attacks. */
export type Sent = Partial<RawRequest> & {
  /** Appended to the path of the route. */
  readonly query?: string;
};

/** The status that a strict route must return, and a public one, if the attack makes sense there. */
export interface Outcome {
  readonly strict: number;
  /** With 200, the caller must be signed out. */
  readonly public?: number;
}

export const UNAUTHORIZED: Outcome = { strict: 401, public: 200 };
/** Authenticated, but without the required permission. */
export const FORBIDDEN: Outcome = { strict: 403 };
export const MALFORMED: Outcome = { strict: 400, public: 400 };
export const TOO_LARGE: Outcome = { strict: 431, public: 431 };

/** One attack, as data. */
export interface Attack {
  readonly name: string;
  /** Where it is described: a section of an RFC, a CVE, an advisory (GHSA), a weakness (CWE), OWASP, PortSwigger, … */
  readonly source: string;
  readonly outcome: Outcome;
  /** All of them are sent. */
  requests(stage: Stage): readonly Sent[] | Promise<readonly Sent[]>;
}

/** Attacks on the same kind of route, in an application with the same options. */
export interface Family {
  readonly name: string;
  /** @default 'session' */
  readonly at?: Place;
  /** Options in addition to the keys. */
  options?(stage: Stage): ClerkModuleOptions;
  /** Valid requests of the same kind, which must be accepted. */
  control(stage: Stage): readonly Sent[] | Promise<readonly Sent[]>;
  readonly attacks: readonly Attack[];
}

/** What the route requires: a token of that type, a permission, or a session (with a redirect to the sign-in page). */
export type Place = 'session' | 'm2m' | 'oauth' | 'api-key' | 'permission' | 'page';

/** A token in the Authorization header. */
export const inHeader = (token: string): Sent => ({ headers: [['Authorization', `Bearer ${token}`]] });

/** A session token in the cookies of a browser. */
export const inCookie = (token: string): Sent => cookies(`__session=${encodeURIComponent(token)}`);

/** Cookies, in addition to those by which Clerk recognizes a browser. */
export const cookies = (text: string): Sent => ({ headers: [['Cookie', `__client_uat=1; __clerk_db_jwt=d; ${text}`]] });

export const inBoth = (token: string): readonly Sent[] => [inHeader(token), inCookie(token)];

type Forge = (stage: Stage) => string | Promise<string>;

/** A forged token, sent in the header and in a cookie. */
export function token(name: string, source: string, forge: Forge): Attack {
  return { name, source, outcome: UNAUTHORIZED, requests: async (stage) => inBoth(await forge(stage)) };
}

/** A forged token, sent in the Authorization header only. */
export function headerToken(name: string, source: string, forge: Forge, outcome = UNAUTHORIZED): Attack {
  return { name, source, outcome, requests: async (stage) => [inHeader(await forge(stage))] };
}

/** A forged request. */
export function request(
  name: string,
  source: string,
  send: (stage: Stage) => Sent | Promise<Sent>,
  outcome = UNAUTHORIZED,
): Attack {
  return { name, source, outcome, requests: async (stage) => [await send(stage)] };
}
