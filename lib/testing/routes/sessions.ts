import { ApiError, missingParameter, notFound } from '../api-error.js';
import type { StoredSession } from '../resources.js';
import { paginated, type ApiCall, type Routes } from '../router.js';
import type { Store } from '../store.js';
import type { TokenIssuer } from '../token-issuer.js';

/** @see https://clerk.com/docs/reference/backend-api/tag/sessions */
export function sessionRoutes(store: Store, tokens: TokenIssuer): Routes {
  const one = ({ params }: ApiCall): StoredSession => {
    const session = store.sessions.get(params.id ?? '');
    if (!session) throw notFound('The session');
    return session;
  };
  /** A session that still gives tokens. */
  const live = (call: ApiCall): StoredSession => {
    const session = one(call);
    if (session.status !== 'active' && session.status !== 'pending') throw notFound('An active session');
    return session;
  };
  const expiresIn = ({ body }: ApiCall) => body.expires_in_seconds as number | undefined;
  const token = (jwt: string) => ({ object: 'token', jwt });

  return {
    'GET /v1/sessions': ({ query }) => {
      const filters = ['user_id', 'client_id', 'status'] as const;
      const wanted = filters.filter((name) => query.has(name));
      const all = [...store.sessions.values()].reverse();
      return paginated(
        all.filter((session) => wanted.every((name) => session[name] === query.get(name))).map(resource),
        query,
      );
    },
    'GET /v1/sessions/:id': (call) => resource(one(call)),
    'POST /v1/sessions': ({ body }) => {
      if (typeof body.user_id !== 'string') throw missingParameter('user_id');
      if (!store.users.has(body.user_id)) throw notFound('The user');
      return resource(store.createSession({ user: body.user_id }));
    },
    'POST /v1/sessions/:id/revoke': (call) =>
      resource(Object.assign(live(call), { status: 'revoked', updated_at: Date.now() })),
    'POST /v1/sessions/:id/tokens': (call) =>
      token(tokens.sessionToken({ session: live(call), expiresIn: expiresIn(call) })),
    'POST /v1/sessions/:id/tokens/:template': (call) => {
      const session = live(call);
      const template = [...store.templates.values()].find(({ name }) => name === call.params.template);
      if (!template) throw notFound('The JWT template');
      const { lifetime } = template;
      const claims = template.claims as Record<string, unknown>;
      return token(
        tokens.templateToken({
          user: session.user_id,
          claims,
          lifetime,
          expiresIn: expiresIn(call),
        }),
      );
    },
    'GET /v1/jwt_templates': ({ query }) => paginated([...store.templates.values()], query),
    'GET /v1/jwt_templates/:id': ({ params }) => {
      const template = store.templates.get(params.id ?? '');
      if (!template) throw new ApiError(404, 'resource_not_found', 'The JWT template was not found');
      return template;
    },
  };
}

/** The session as Clerk answers it. */
function resource({ claimed: _, ...session }: StoredSession): object {
  return session;
}
