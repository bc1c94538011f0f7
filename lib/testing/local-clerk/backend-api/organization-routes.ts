import type { OrganizationJSON, OrganizationMembershipJSON } from '@clerk/backend';

import { ApiError, invalidFormat, notFound } from '../api-error.js';
import { changes, mergedMetadata, object, replacedMetadata, requiredText, text } from './fields.js';
import { deleted, paginated, type ApiCall, type Routes } from './api-call.js';
import type { Store } from '../store.js';

const METADATA = ['public_metadata', 'private_metadata'];
const CHANGEABLE = ['name', 'slug', 'max_allowed_memberships', 'admin_delete_enabled', ...METADATA];

/** @see https://clerk.com/docs/reference/backend-api/tag/organizations */
export function organizationRoutes(store: Store): Routes {
  const all = () => [...store.organizations.values()];
  const one = ({ params }: ApiCall): OrganizationJSON => {
    const { id = '' } = params;
    const found = store.organizations.get(id) ?? all().find(({ slug }) => slug === id);
    if (!found) throw notFound('The organization');
    return found;
  };
  const touch = <T extends object>(resource: T, changed: object): T =>
    Object.assign(resource, changed, { updated_at: Date.now() });
  const isMember = (organizationId: string) => (userId: string) => !!store.membership(organizationId, userId);
  const userId = (call: ApiCall, name: string) => {
    const id = text(call.body, name);
    if (id !== undefined && !store.users.has(id)) throw notFound('The user');
    return id;
  };
  const freeSlug = (call: ApiCall, owner?: string) => {
    const wanted = text(call.body, 'slug');
    if (wanted !== undefined && !/^[a-z\d-]+$/.test(wanted)) {
      throw invalidFormat('slug', 'contain only lowercase letters, digits and "-"');
    }
    if (wanted !== undefined && all().some(({ id, slug }) => slug === wanted && id !== owner)) {
      throw new ApiError(422, 'form_identifier_exists', 'That slug is taken.', { param_name: 'slug' });
    }
    return wanted;
  };

  return {
    'GET /v1/organizations': ({ query }) => {
      const wanted = query.get('query')?.toLowerCase() ?? '';
      const members = query.getAll('user_id');
      const ids = query.getAll('organization_id');
      const found = all().filter(
        ({ id, name, slug }) =>
          [id, name, slug].some((value) => value.toLowerCase().includes(wanted)) &&
          (members.length === 0 || members.some(isMember(id))) &&
          (ids.length === 0 || ids.includes(id)),
      );
      return paginated(found.reverse(), query);
    },
    'GET /v1/organizations/:id': one,
    'POST /v1/organizations': (call) => {
      const createdBy = userId(call, 'created_by');
      const organization = store.createOrganization({
        name: requiredText(call.body, 'name'),
        slug: freeSlug(call),
        createdBy,
        publicMetadata: object(call.body, 'public_metadata'),
        privateMetadata: object(call.body, 'private_metadata'),
      });
      if (createdBy !== undefined) store.addMember(organization, createdBy, 'org:admin');
      return organization;
    },
    'PATCH /v1/organizations/:id': (call) => {
      freeSlug(call, one(call).id);
      return touch(one(call), changes(call.body, CHANGEABLE));
    },
    'PATCH /v1/organizations/:id/metadata': (call) => touch(one(call), mergedMetadata(one(call), call.body, METADATA)),
    'PUT /v1/organizations/:id/metadata': (call) => touch(one(call), replacedMetadata(call.body, METADATA)),
    'DELETE /v1/organizations/:id': (call) => {
      const { id } = one(call);
      store.deleteOrganization(id);
      return deleted('organization', id);
    },
    ...membershipRoutes(store, one, userId, touch),
  };
}

function membershipRoutes(
  store: Store,
  organizationOf: (call: ApiCall) => OrganizationJSON,
  userId: (call: ApiCall, name: string) => string | undefined,
  touch: <T extends object>(resource: T, changed: object) => T,
): Routes {
  const one = (call: ApiCall): OrganizationMembershipJSON => {
    const found = store.membership(organizationOf(call).id, call.params.userId ?? '');
    if (!found) throw notFound('The organization membership');
    return found;
  };
  return {
    'GET /v1/organizations/:id/memberships': (call) => {
      const { id } = organizationOf(call);
      const users = call.query.getAll('user_id');
      const roles = call.query.getAll('role');
      const found = store.memberships.filter(
        ({ organization, public_user_data, role }) =>
          organization.id === id &&
          (users.length === 0 || users.includes(public_user_data.user_id)) &&
          (roles.length === 0 || roles.includes(role)),
      );
      return paginated(found.reverse(), call.query);
    },
    'POST /v1/organizations/:id/memberships': (call) => {
      const organization = organizationOf(call);
      const user = requiredText(call.body, 'user_id');
      const role = requiredText(call.body, 'role');
      userId(call, 'user_id');
      if (store.membership(organization.id, user)) {
        const message = 'The user is already a member of the organization';
        throw new ApiError(400, 'already_a_member_in_organization', message);
      }
      return store.addMember(organization, user, role);
    },
    'PATCH /v1/organizations/:id/memberships/:userId': (call) => {
      const role = requiredText(call.body, 'role');
      const membership = one(call);
      const permissions = store.permissionsOf(membership.organization.id, role);
      return touch(membership, { role, permissions });
    },
    'PATCH /v1/organizations/:id/memberships/:userId/metadata': (call) =>
      touch(one(call), mergedMetadata(one(call), call.body, METADATA)),
    'DELETE /v1/organizations/:id/memberships/:userId': (call) => {
      const gone = one(call);
      store.removeMember(gone);
      return gone;
    },
  };
}
