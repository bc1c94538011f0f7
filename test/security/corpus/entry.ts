import type { ClerkModuleOptions } from '../../../lib/index.js';
import type { LocalClerk } from '../../../lib/testing/index.js';
import type { RawRequest } from '../../support/raw-http.js';

/** What attacks are made of. */
export interface Stage {
  /** The application's instance. */
  readonly clerk: LocalClerk;
  /** Another tenant's. */
  readonly neighbour: LocalClerk;
  /** The attacker's: its keys sign forgeries, and its address must never be asked for anything. */
  readonly attacker: LocalClerk;
  /** One of a site that is live. */
  readonly production: LocalClerk;
  /** Good credentials, for as long as the tests run, by the kind of token. */
  readonly good: Readonly<Record<GoodToken, string>>;
}

/** Session tokens of three instances, and the application's machine tokens. */
type GoodToken = 'session' | 'neighbour' | 'production' | 'm2m' | 'opaqueM2m' | 'oauth' | 'opaqueOauth' | 'apiKey';

/** A request; its target, unless given, is the route at which the family is tried. */
export type Sent = Partial<RawRequest> & {
  /** Follows the path of the route. */
  readonly query?: string;
};

/** What a strict route answers, and what a public one does, where the attack is of any meaning there. */
export interface Outcome {
  readonly strict: number;
  /** Where it is 200, nobody is signed in. */
  readonly public?: number;
}

export const UNAUTHORIZED: Outcome = { strict: 401, public: 200 };
/** Authenticated as oneself, and of no use. */
export const FORBIDDEN: Outcome = { strict: 403 };
export const MALFORMED: Outcome = { strict: 400, public: 400 };
export const TOO_LARGE: Outcome = { strict: 431, public: 431 };

/** One attack, as data. */
export interface Attack {
  readonly name: string;
  /** Who describes it: an RFC by section, a CVE, an advisory (GHSA), a weakness (CWE), OWASP, PortSwigger, … */
  readonly source: string;
  readonly outcome: Outcome;
  /** Each of them is tried. */
  requests(stage: Stage): readonly Sent[] | Promise<readonly Sent[]>;
}

/** Attacks that are tried on the same kind of route, in an application with the same options. */
export interface Family {
  readonly name: string;
  /** @default 'session' */
  readonly at?: Place;
  /** Beside the keys. */
  options?(stage: Stage): ClerkModuleOptions;
  /** The same requests with nothing wrong about them: they are let in. */
  control(stage: Stage): readonly Sent[] | Promise<readonly Sent[]>;
  readonly attacks: readonly Attack[];
}

/** What is demanded: a token of that type, a permission, or a session with a way to the sign-in page. */
export type Place = 'session' | 'm2m' | 'oauth' | 'api-key' | 'permission' | 'page';

/** A token in the Authorization header. */
export const inHeader = (token: string): Sent => ({ headers: [['Authorization', `Bearer ${token}`]] });

/** A session token in the cookies of a browser. */
export const inCookie = (token: string): Sent => cookies(`__session=${encodeURIComponent(token)}`);

/** Cookies, beside those by which Clerk knows a browser. */
export const cookies = (text: string): Sent => ({ headers: [['Cookie', `__client_uat=1; __clerk_db_jwt=d; ${text}`]] });

export const inBoth = (token: string): readonly Sent[] => [inHeader(token), inCookie(token)];

type Forge = (stage: Stage) => string | Promise<string>;

/** A forged token, tried wherever a session token may be. */
export function token(name: string, source: string, forge: Forge): Attack {
  return { name, source, outcome: UNAUTHORIZED, requests: async (stage) => inBoth(await forge(stage)) };
}

/** A forged token that is one only in the Authorization header. */
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
