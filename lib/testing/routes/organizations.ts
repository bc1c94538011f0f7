import type { OrganizationJSON, OrganizationMembershipJSON } from '@clerk/backend';

import { ApiError, missingParameter, notFound } from '../api-error.js';
import { deleted, mergeMetadata, paginated, type ApiCall, type Routes } from '../router.js';
import type { Store } from '../store.js';

const METADATA = ['public_metadata', 'private_metadata'] as const;

/** @see https://clerk.com/docs/reference/backend-api/tag/organizations */
export function organizationRoutes(store: Store): Routes {
  const one = ({ params }: ApiCall): OrganizationJSON => {
    const { id = '' } = params;
    const found = store.organizations.get(id) ?? [...store.organizations.values()].find(({ slug }) => slug === id);
    if (!found) throw notFound('The organization');
    return found;
  };
  const membership = (call: ApiCall): OrganizationMembershipJSON => {
    const found = store.membership(one(call).id, call.params.userId ?? '');
    if (!found) throw notFound('The organization membership');
    return found;
  };
  const touch = <T extends object>(resource: T, changes: object): T =>
    Object.assign(resource, changes, { updated_at: Date.now() });
  const members = (id: string) => store.memberships.filter(({ organization }) => organization.id === id);

  return {
    'GET /v1/organizations': ({ query }) => {
      const text = query.get('query')?.toLowerCase() ?? '';
      const all = [...store.organizations.values()].reverse();
      return paginated(
        all.filter(({ id, name, slug }) => [id, name, slug].some((value) => value.toLowerCase().includes(text))),
        query,
      );
    },
    'GET /v1/organizations/:id': one,
    'POST /v1/organizations': ({ body }) => {
      if (typeof body.name !== 'string' || body.name === '') throw missingParameter('name');
      const createdBy = body.created_by as string | undefined;
      if (createdBy !== undefined && !store.users.has(createdBy)) throw notFound('The user');
      const organization = store.createOrganization({
        name: body.name,
        slug: body.slug as string | undefined,
        createdBy,
        publicMetadata: body.public_metadata as Record<string, unknown> | undefined,
        privateMetadata: body.private_metadata as Record<string, unknown> | undefined,
      });
      if (createdBy !== undefined) store.addMember(organization, createdBy, 'org:admin', []);
      return organization;
    },
    'PATCH /v1/organizations/:id': (call) => {
      const known = ['name', 'slug', 'max_allowed_memberships', 'admin_delete_enabled', ...METADATA];
      return touch(one(call), Object.fromEntries(Object.entries(call.body).filter(([key]) => known.includes(key))));
    },
    'PATCH /v1/organizations/:id/metadata': (call) => {
      const organization = one(call);
      const changed = METADATA.filter((key) => key in call.body);
      const merged = changed.map((key) => [key, mergeMetadata(organization[key], call.body[key])]);
      return touch(organization, Object.fromEntries(merged));
    },
    'DELETE /v1/organizations/:id': (call) => {
      const { id } = one(call);
      store.organizations.delete(id);
      store.memberships = store.memberships.filter(({ organization }) => organization.id !== id);
      return deleted('organization', id);
    },
    'GET /v1/organizations/:id/memberships': (call) => paginated(members(one(call).id), call.query),
    'POST /v1/organizations/:id/memberships': (call) => {
      const { user_id: userId, role } = call.body;
      if (typeof userId !== 'string') throw missingParameter('user_id');
      if (typeof role !== 'string') throw missingParameter('role');
      if (!store.users.has(userId)) throw notFound('The user');
      const organization = one(call);
      if (store.membership(organization.id, userId)) {
        throw new ApiError(400, 'already_a_member_in_organization', 'The user is already a member of the organization');
      }
      return store.addMember(organization, userId, role, []);
    },
    'PATCH /v1/organizations/:id/memberships/:userId': (call) => {
      if (typeof call.body.role !== 'string') throw missingParameter('role');
      return touch(membership(call), { role: call.body.role });
    },
    'DELETE /v1/organizations/:id/memberships/:userId': (call) => {
      const gone = membership(call);
      store.memberships = store.memberships.filter((kept) => kept !== gone);
      return gone;
    },
  };
}
