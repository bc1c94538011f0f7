import { notFound } from '../api-error.js';
import { requiredText, text, wholeNumber } from './fields.js';
import { resource, type StoredSession } from '../resources.js';
import { pageOrPaginated, type ApiCall, type Routes } from './api-call.js';
import type { Store } from '../store.js';
import type { TokenIssuer } from '../token-issuer.js';

const FILTERS = ['user_id', 'client_id', 'status'] as const;

/** The allowed lifetime of a token, in seconds: ten years at most. */
const LIFETIME = { minimum: 30, maximum: 315_360_000 };

/** @see https://clerk.com/docs/reference/backend-api/tag/sessions */
export function sessionRoutes(store: Store, tokens: TokenIssuer): Routes {
  const one = ({ params }: ApiCall): StoredSession => {
    const session = store.sessions.get(params.id ?? '');
    if (!session) throw notFound('The session');
    return session;
  };
  /** A session for which tokens are still issued. */
  const live = (call: ApiCall): StoredSession => {
    const session = one(call);
    if (session.status !== 'active' && session.status !== 'pending') throw notFound('An active session');
    return session;
  };
  const templates = () => [...store.templates.values()];
  const expiresIn = ({ body }: ApiCall) => wholeNumber(body, 'expires_in_seconds', LIFETIME.minimum, LIFETIME.maximum);
  const token = (jwt: string) => ({ object: 'token', jwt });

  return {
    'GET /v1/sessions': ({ query }) => {
      const wanted = FILTERS.filter((name) => query.has(name));
      const found = [...store.sessions.values()].filter((session) =>
        wanted.every((name) => session[name] === query.get(name)),
      );
      return pageOrPaginated(found.reverse().map(resource), query);
    },
    'GET /v1/sessions/:id': (call) => resource(one(call)),
    'POST /v1/sessions': ({ body }) => {
      const user = requiredText(body, 'user_id');
      const organization = text(body, 'active_organization_id');
      if (!store.users.has(user)) throw notFound('The user');
      if (organization !== undefined && !store.organizations.has(organization)) throw notFound('The organization');
      return resource(store.createSession({ user, organization }));
    },
    'POST /v1/sessions/:id/revoke': (call) =>
      resource(Object.assign(live(call), { status: 'revoked', updated_at: Date.now() })),
    'POST /v1/sessions/:id/tokens': (call) =>
      // As with Clerk: no frontend requested the token, so it has no azp.
      token(tokens.sessionToken({ session: live(call), expiresIn: expiresIn(call), omit: ['azp'] })),
    'POST /v1/sessions/:id/tokens/:template': (call) => {
      const user = live(call).user_id;
      const template = templates().find(({ name }) => name === call.params.template);
      if (!template) throw notFound('The JWT template');
      return token(tokens.templateToken({ user, template, expiresIn: expiresIn(call) }));
    },
    'GET /v1/jwt_templates': ({ query }) => pageOrPaginated(templates(), query),
    'GET /v1/jwt_templates/:id': ({ params }) => {
      const template = store.templates.get(params.id ?? '');
      if (!template) throw notFound('The JWT template');
      return template;
    },
  };
}
