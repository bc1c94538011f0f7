import type { JwtTemplateJSON, OrganizationJSON, OrganizationMembershipJSON, UserJSON } from '@clerk/backend';

import { idOf, newId, randomText, type Ref } from './ids.js';
import { LocalClerkError } from './local-clerk.error.js';
import { MachineTokens } from './machine-tokens.js';
import {
  newMembership,
  newOrganization,
  newSession,
  newUser,
  type CreateOrganizationOptions,
  type CreateSessionOptions,
  type CreateUserOptions,
  type MachineJSON,
  type StoredSession,
} from './resources.js';

/** A JWT template: claims that are put into its tokens. */
export interface TemplateOptions {
  readonly name: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** In seconds. @default 60 */
  readonly lifetime?: number;
}

/** Everything an instance knows, in the order of creation. */
export class Store {
  readonly users = new Map<string, UserJSON>();
  readonly organizations = new Map<string, OrganizationJSON>();
  readonly sessions = new Map<string, StoredSession>();
  readonly machines = new Map<string, MachineJSON>();
  readonly templates = new Map<string, JwtTemplateJSON>();
  readonly machineTokens = new MachineTokens();
  memberships: OrganizationMembershipJSON[] = [];

  constructor(readonly instanceId = newId('ins')) {}

  createUser(options: CreateUserOptions = {}): UserJSON {
    return keep(this.users, newUser(options));
  }

  createOrganization(options: CreateOrganizationOptions = {}): OrganizationJSON {
    return keep(this.organizations, newOrganization(options));
  }

  addMember(organization: Ref, user: Ref, role: string, permissions: readonly string[]): OrganizationMembershipJSON {
    const membership = newMembership(this.organization(organization), this.user(user), role, permissions);
    this.memberships.push(membership);
    return membership;
  }

  createSession(options: CreateSessionOptions): StoredSession {
    this.user(options.user);
    if (options.organization !== undefined) this.organization(options.organization);
    return keep(this.sessions, newSession(options));
  }

  createMachine(name = 'machine', scopedMachines: readonly Ref[] = []): MachineJSON {
    const now = Date.now();
    return keep(this.machines, {
      object: 'machine',
      id: newId('mch'),
      name,
      instance_id: this.instanceId,
      created_at: now,
      updated_at: now,
      default_token_ttl: 3600,
      scoped_machines: scopedMachines.map((machine) => this.machine(machine)),
      secret_key: `ask_${randomText(40)}`,
    });
  }

  createTemplate({ name, claims = {}, lifetime = 60 }: TemplateOptions): JwtTemplateJSON {
    const now = Date.now();
    return keep(this.templates, {
      object: 'jwt_template',
      id: newId('jtmp'),
      name,
      claims,
      lifetime,
      allowed_clock_skew: 5,
      custom_signing_key: false,
      signing_algorithm: 'RS256',
      created_at: now,
      updated_at: now,
    });
  }

  user(ref: Ref): UserJSON {
    return existing(this.users, ref, 'user', 'createUser');
  }

  organization(ref: Ref): OrganizationJSON {
    return existing(this.organizations, ref, 'organization', 'createOrganization');
  }

  session(ref: Ref): StoredSession {
    return existing(this.sessions, ref, 'session', 'createSession');
  }

  machine(ref: Ref): MachineJSON {
    return existing(this.machines, ref, 'machine', 'createMachine');
  }

  membership(organizationId: string, userId: string): OrganizationMembershipJSON | undefined {
    return this.memberships.find(
      ({ organization, public_user_data }) => organization.id === organizationId && public_user_data.user_id === userId,
    );
  }

  clear(): void {
    for (const kept of [this.users, this.organizations, this.sessions, this.machines, this.templates]) kept.clear();
    this.machineTokens.clear();
    this.memberships = [];
  }
}

function keep<T extends { readonly id: string }>(kept: Map<string, T>, resource: T): T {
  kept.set(resource.id, resource);
  return resource;
}

function existing<T>(kept: Map<string, T>, ref: Ref, kind: string, maker: string): T {
  const found = kept.get(idOf(ref));
  if (!found) {
    throw new LocalClerkError(
      'unknown-resource',
      `The local Clerk has no such ${kind}: make it with ${maker}() first.`,
    );
  }
  return found;
}
