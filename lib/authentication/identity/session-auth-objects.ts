import { signedInAuthObject, type SignedInAuthObject } from '@clerk/backend/internal';
import { LRUCache } from 'lru-cache';

import { isRecord } from '../../options/own-properties.js';
import { safeAuthObject, withSafeMethods } from './safe-auth-object.js';

/** The verified claims of a session token. */
export type SessionClaims = SignedInAuthObject['sessionClaims'];

type Context = Parameters<typeof signedInAuthObject>[0];
type Properties = Omit<SignedInAuthObject, 'has' | 'getToken' | 'debug'>;

/** The claims that an organization's permissions are encoded in. */
interface EncodedPermissions {
  readonly fea?: string;
  readonly per?: string;
  readonly fpm?: string;
}

/** The number of different sets of permissions to cache, and the length of the claims of one. */
const MAX_PERMISSION_SETS = 100;
const MAX_ENCODED_LENGTH = 1_000;

/** Every claim that a property is read from. */
const SAMPLE = {
  ...{ v: 2, sub: 'user_1', sid: 'sess_1', sts: 'active', fva: [1, 2], act: { sub: 'user_2' } },
  ...{ fea: 'o:a', o: { id: 'org_1', slg: 'acme', rol: 'admin', per: 'read', fpm: '1' } },
} as unknown as SessionClaims;

/**
 * Builds Clerk's auth objects of sessions. Clerk's own function creates a whole Backend client for each, in case that
 * `getToken()` needs it. Here the properties are read from the claims as Clerk reads them, and Clerk's function is called
 * when one of the methods is, and for what must be decoded.
 *
 * For claims of another version or type, Clerk's function builds the object. So it does for all claims if the installed
 * version of Clerk builds objects with other properties.
 */
export class SessionAuthObjects {
  /** The permissions of organizations by the claims that they are decoded from. */
  private permissions: LRUCache<string, readonly string[]> | undefined;
  private knownToEqualClerks: boolean | undefined;

  // Private at runtime too: logging an object that references this one must not expose the secret key.
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  build(token: string, claims: SessionClaims): SignedInAuthObject {
    const properties = this.equalsClerks ? this.read(claims) : undefined;
    if (!properties) return safeAuthObject(this.buildWithClerk(token, claims));
    const clerks = () => this.buildWithClerk(token, claims);
    let has: SignedInAuthObject['has'] | undefined;
    const methods: Pick<SignedInAuthObject, 'has' | 'getToken' | 'debug'> = {
      // It holds no reference to Clerk's object, which is large.
      has: (params) => (has ??= clerks().has)(params),
      getToken: (options) => clerks().getToken(options),
      debug: () => clerks().debug(),
    };
    return withSafeMethods(properties, methods);
  }

  private buildWithClerk(token: string, claims: SessionClaims): SignedInAuthObject {
    return signedInAuthObject(this.#context, token, claims);
  }

  /** Whether the installed version of Clerk reads the same properties from a sample. */
  private get equalsClerks(): boolean {
    return (this.knownToEqualClerks ??=
      JSON.stringify(this.read(SAMPLE)) === JSON.stringify(this.buildWithClerk('', SAMPLE)));
  }

  /** In Clerk's order; `undefined` for claims that only Clerk's function reads. */
  private read(claims: SessionClaims): Properties | undefined {
    const { v, sid, sts = null, sub, act, fva = null, o } = claims as SessionClaims & Partial<Record<'o', unknown>>;
    if (v !== 2 || (o !== undefined && !isRecord(o))) return undefined;
    const { id, slg, rol, per, fpm } = (o ?? {}) as Partial<Record<'id' | 'slg' | 'rol' | 'per' | 'fpm', string>>;
    const orgPermissions = o && this.decodePermissions({ fea: claims.fea, per, fpm } as EncodedPermissions);
    if (o && !orgPermissions) return undefined;
    return {
      tokenType: 'session_token',
      actor: act,
      sessionClaims: claims,
      sessionId: sid,
      sessionStatus: sts,
      userId: sub,
      orgId: id,
      orgRole: rol ? `org:${rol}` : undefined,
      orgSlug: slg,
      orgPermissions,
      factorVerificationAge: fva,
      isAuthenticated: true,
    } as Properties;
  }

  /** Clerk decodes them; `undefined` for claims of unusual types or sizes. */
  private decodePermissions({ fea = '', per = '', fpm = '' }: EncodedPermissions): readonly string[] | undefined {
    if (typeof fea !== 'string' || typeof per !== 'string' || typeof fpm !== 'string') return undefined;
    const key = JSON.stringify([fea, per, fpm]);
    if (key.length > MAX_ENCODED_LENGTH) return undefined;
    // With `max`, LRUCache would allocate memory for that many entries at once.
    this.permissions ??= new LRUCache({ maxSize: MAX_PERMISSION_SETS, sizeCalculation: () => 1 });
    let permissions = this.permissions.get(key);
    if (!permissions) {
      const claims = { v: 2, fea, o: { per, fpm } } as unknown as SessionClaims;
      permissions = Object.freeze(this.buildWithClerk('', claims).orgPermissions ?? []);
      this.permissions.set(key, permissions);
    }
    return permissions;
  }
}
