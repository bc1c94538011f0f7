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
      return paginated(found.reverse().map(listed), query);
    },
    'GET /v1/machines/:id': (call) => listed(one(call)),
    'GET /v1/machines/:id/secret_key': (call) => ({
      object: 'machine_secret_key',
      secret: one(call).secret_key,
    }),
    'POST /v1/machines': ({ body }) => {
      const name = requiredText(body, 'name');
      const scoped = texts(body, 'scoped_machines') ?? [];
      if (scoped.some((id) => !store.machines.has(id))) throw notFound('A machine of scoped_machines');
      return answered(store.createMachine(name, scoped, number(body, 'default_token_ttl')));
    },
  };
}

/** The secret key of a machine is returned only at its creation. */
function answered(machine: MachineJSON) {
  return { ...machine, scoped_machines: machine.scoped_machines.map(withoutSecret) };
}

function listed(machine: MachineJSON): object {
  const { secret_key: _, ...rest } = answered(machine);
  return rest;
}

/** A machine as it appears inside another one. */
function withoutSecret({ secret_key: _, ...machine }: MachineJSON): object {
  return { ...machine, scoped_machines: [] };
}
