import { notFound } from '../api-error.js';
import { number, requiredText, texts } from './fields.js';
import type { MachineJSON } from '../resources.js';
import { paginated, type ApiCall, type Routes } from './api-call.js';
import type { Store } from '../store.js';

/** @see https://clerk.com/docs/reference/backend-api/tag/machines */
export function machineRoutes(store: Store): Routes {
  const one = ({ params }: ApiCall): MachineJSON => {
    const found = store.machines.get(params.id ?? '');
    if (!found) throw notFound('The machine');
    return found;
  };
  return {
    'GET /v1/machines': ({ query }) => {
      const wanted = query.get('query')?.toLowerCase() ?? '';
      const found = [...store.machines.values()].filter(({ id, name }) =>
        [id, name].some((value) => value.toLowerCase().includes(wanted)),
      );
      return paginated(found.reverse().map(withoutSecretKey), query);
    },
    'GET /v1/machines/:id': (call) => withoutSecretKey(one(call)),
    'GET /v1/machines/:id/secret_key': (call) => ({
      object: 'machine_secret_key',
      secret: one(call).secret_key,
    }),
    'POST /v1/machines': ({ body }) => {
      const name = requiredText(body, 'name');
      const scoped = texts(body, 'scoped_machines') ?? [];
      if (scoped.some((id) => !store.machines.has(id))) throw notFound('A machine of scoped_machines');
      return createdMachine(store.createMachine(name, scoped, number(body, 'default_token_ttl')));
    },
  };
}

/** The response to the creation of a machine, the only one with its secret key. */
function createdMachine(machine: MachineJSON) {
  return { ...machine, scoped_machines: machine.scoped_machines.map(scopedMachine) };
}

/** A machine in every other response. */
function withoutSecretKey(machine: MachineJSON): object {
  const { secret_key: _, ...rest } = createdMachine(machine);
  return rest;
}

/** A machine as it appears inside another one. */
function scopedMachine({ secret_key: _, ...machine }: MachineJSON): object {
  return { ...machine, scoped_machines: [] };
}
