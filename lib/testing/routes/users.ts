import type { UserJSON } from '@clerk/backend';

import { ApiError, invalidParameter, notFound } from '../api-error.js';
import { deleted, mergeMetadata, page, paginated, type ApiCall, type Routes } from '../router.js';
import type { Store } from '../store.js';

const METADATA = ['public_metadata', 'private_metadata', 'unsafe_metadata'] as const;

/** @see https://clerk.com/docs/reference/backend-api/tag/users */
export function userRoutes(store: Store): Routes {
  const one = ({ params }: ApiCall): UserJSON => {
    const user = store.users.get(params.id ?? '');
    if (!user) throw notFound('The user');
    return user;
  };
  const change = (user: UserJSON, changes: Partial<UserJSON>): UserJSON =>
    Object.assign(user, changes, { updated_at: Date.now() });

  return {
    'GET /v1/users': ({ query }) => page(matching(store, query), query),
    'GET /v1/users/count': ({ query }) => ({
      object: 'total_count',
      total_count: matching(store, query).length,
    }),
    'GET /v1/users/:id': one,
    'POST /v1/users': ({ body }) => {
      const [emailAddress] = (body.email_address ?? []) as string[];
      if (emailAddress && [...store.users.values()].some((user) => addresses(user).includes(emailAddress))) {
        throw new ApiError(422, 'form_identifier_exists', 'That email address is taken.', {
          param_name: 'email_address',
        });
      }
      return store.createUser({
        emailAddress,
        firstName: body.first_name as string | undefined,
        lastName: body.last_name as string | undefined,
        username: body.username as string | undefined,
        externalId: body.external_id as string | undefined,
        publicMetadata: body.public_metadata as Record<string, unknown> | undefined,
        privateMetadata: body.private_metadata as Record<string, unknown> | undefined,
        unsafeMetadata: body.unsafe_metadata as Record<string, unknown> | undefined,
      });
    },
    'PATCH /v1/users/:id': (call) => {
      const known = ['first_name', 'last_name', 'username', 'external_id', ...METADATA];
      return change(one(call), Object.fromEntries(Object.entries(call.body).filter(([key]) => known.includes(key))));
    },
    'PATCH /v1/users/:id/metadata': (call) => {
      const user = one(call);
      const changed = METADATA.filter((key) => key in call.body);
      return change(user, Object.fromEntries(changed.map((key) => [key, mergeMetadata(user[key], call.body[key])])));
    },
    'PUT /v1/users/:id/metadata': (call) => {
      const changed = METADATA.filter((key) => key in call.body);
      return change(one(call), Object.fromEntries(changed.map((key) => [key, call.body[key]])));
    },
    'DELETE /v1/users/:id': (call) => {
      const { id } = one(call);
      store.users.delete(id);
      store.memberships = store.memberships.filter(({ public_user_data }) => public_user_data.user_id !== id);
      for (const session of store.sessions.values()) if (session.user_id === id) session.status = 'removed';
      return deleted('user', id);
    },
    'POST /v1/users/:id/ban': (call) => change(one(call), { banned: true }),
    'POST /v1/users/:id/unban': (call) => change(one(call), { banned: false }),
    'GET /v1/users/:id/organization_memberships': (call) => {
      const { id } = one(call);
      return paginated(
        store.memberships.filter(({ public_user_data }) => public_user_data.user_id === id),
        call.query,
      );
    },
  };
}

function addresses(user: UserJSON): string[] {
  return user.email_addresses.map(({ email_address }) => email_address);
}

/** Users that fulfil every filter of a query; the newest first, as Clerk lists them, unless `order_by` says otherwise. */
function matching(store: Store, query: URLSearchParams): UserJSON[] {
  const filters: Record<string, (user: UserJSON) => (string | null)[]> = {
    user_id: ({ id }) => [id],
    email_address: addresses,
    username: ({ username }) => [username],
    external_id: ({ external_id }) => [external_id],
    organization_id: ({ id }) =>
      store.memberships
        .filter(({ public_user_data }) => public_user_data.user_id === id)
        .map(({ organization }) => organization.id),
  };
  let users = [...store.users.values()].reverse();
  for (const [name, valuesOf] of Object.entries(filters)) {
    const wanted = query.getAll(name);
    if (wanted.length > 0) users = users.filter((user) => valuesOf(user).some((value) => wanted.includes(value ?? '')));
  }
  const text = query.get('query')?.toLowerCase();
  if (text) {
    users = users.filter((user) =>
      [user.id, user.first_name, user.last_name, user.username, ...addresses(user)].some((value) =>
        value?.toLowerCase().includes(text),
      ),
    );
  }
  return ordered(users, query.get('order_by') ?? '-created_at');
}

function ordered(users: UserJSON[], orderBy: string): UserJSON[] {
  const [, sign, key] = /^([+-]?)(created_at|updated_at|first_name|last_name|username)$/.exec(orderBy.trim()) ?? [];
  if (!key) throw invalidParameter('order_by', 'names no property that users are ordered by');
  const value = (user: UserJSON) => user[key as 'created_at'] ?? '';
  const compare = (a: UserJSON, b: UserJSON) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0);
  return users.sort((a, b) => (sign === '-' ? compare(b, a) : compare(a, b)));
}
