import { newId, randomText } from '../ids.js';
import type { StoredSession } from '../resources.js';
import type { Store } from '../store.js';

/** A browser. One user at a time is signed in, as in Clerk's single-session mode. */
export interface Client {
  readonly id: string;
  /** Identifies the browser: the dev browser token, or the `__client` cookie of a production instance. */
  readonly token: string;
  sessionId: string | undefined;
}

/** The browsers of an instance. */
export class Clients {
  private readonly byToken = new Map<string, Client>();

  constructor(private readonly store: Store) {}

  open(): Client {
    const client: Client = { id: newId('client'), token: `dvb_${randomText(26)}`, sessionId: undefined };
    this.byToken.set(client.token, client);
    return client;
  }

  find(token: string | null | undefined): Client | undefined {
    return this.byToken.get(token ?? '');
  }

  /** The browser of a session; a new one if it has none yet. */
  clientOf(session: StoredSession): Client {
    const holder = [...this.byToken.values()].find(({ sessionId }) => sessionId === session.id);
    return holder ?? Object.assign(this.open(), { sessionId: session.id });
  }

  /** The session that is signed in, while it is active or pending. */
  sessionOf({ sessionId = '' }: Client): StoredSession | undefined {
    const session = this.store.sessions.get(sessionId);
    return session?.status === 'active' || session?.status === 'pending' ? session : undefined;
  }

  /** Signs a user in, and the previous one out. The first organization of the user becomes active. */
  signIn(client: Client, userId: string): StoredSession {
    this.signOut(client);
    const membership = this.store.memberships.find(({ public_user_data }) => public_user_data.user_id === userId);
    const session = this.store.createSession({ user: userId, organization: membership?.organization });
    client.sessionId = session.id;
    return session;
  }

  signOut(client: Client): void {
    const session = this.sessionOf(client);
    if (session) Object.assign(session, { status: 'removed', updated_at: Date.now() });
    client.sessionId = undefined;
  }

  /**
   * Makes an organization of the user (by id or slug) the session's active one. An organization that the user is not a
   * member of, or an empty string, leaves the session without an active one.
   */
  activate(session: StoredSession, organization: string): void {
    const membership = this.store.memberships.find(
      ({ organization: { id, slug }, public_user_data: { user_id } }) =>
        user_id === session.user_id && [id, slug].includes(organization),
    );
    Object.assign(session, { last_active_organization_id: membership?.organization.id, updated_at: Date.now() });
  }

  clear(): void {
    this.byToken.clear();
  }
}
