import type { RequestOptions } from '../../lib/index.js';

/** Keeps secrets out of logs, as applications do, with the same output for every tenant. */
class HidesItself {
  toJSON() {
    return { tenant: '[hidden]' };
  }
}

/** Options as an instance of a class, as with an ORM or class-validator. */
class TenantRecord {
  constructor(options: RequestOptions) {
    Object.assign(this, options);
  }
}

class TenantThatHidesItself extends HidesItself {
  constructor(options: RequestOptions) {
    super();
    Object.assign(this, options);
  }
}

const getters = (options: RequestOptions, names = Object.keys(options)) =>
  Object.defineProperties(
    {},
    Object.fromEntries(
      names.map((name) => [name, { get: () => options[name as keyof RequestOptions], enumerable: true }]),
    ),
  );

/** The forms in which an application may return the options of a tenant. All of them mean the same. */
export const FORMS: Readonly<Record<string, (options: RequestOptions) => RequestOptions>> = {
  'a plain object': (options) => ({ ...options }),
  'an object without a prototype': (options) => Object.assign(Object.create(null) as object, options),
  'a plain object in another order': (options) => Object.fromEntries(Object.entries(options).reverse()),
  'a frozen object': (options) => Object.freeze({ ...options }),
  'an object of getters': (options) => getters(options),
  'an object with a hidden toJSON()': (options) =>
    Object.defineProperty({ ...options }, 'toJSON', { value: () => ({}), enumerable: false }),
  'an instance of a class': (options) => new TenantRecord(options) as RequestOptions,
  'an instance of a class with toJSON()': (options) => new TenantThatHidesItself(options) as RequestOptions,
  'getters behind toJSON()': (options) =>
    Object.setPrototypeOf(getters(options), HidesItself.prototype) as RequestOptions,
  'a Proxy': (options) => new Proxy({ ...options }, {}),
  'a Proxy that answers for a bare target': (options) =>
    new Proxy(Object.fromEntries(Object.keys(options).map((name) => [name, 'of no tenant'])), {
      get: (_, name) => options[name as keyof RequestOptions],
    }) as RequestOptions,
  'a Proxy with toJSON()': (options) =>
    new Proxy(
      { ...options },
      {
        get: (target, name, self) =>
          name === 'toJSON' ? () => 'hidden' : (Reflect.get(target, name, self) as unknown),
      },
    ),
  'lists with toJSON()': (options) => ({
    ...options,
    ...(options.authorizedParties && {
      authorizedParties: Object.assign([...options.authorizedParties], { toJSON: () => [] }),
    }),
    ...(Array.isArray(options.audience) && { audience: Object.assign([...options.audience], { toJSON: () => [] }) }),
  }),
  'nested objects with toJSON()': (options) => ({
    ...options,
    telemetry: Object.assign(Object.create(HidesItself.prototype) as object, options.telemetry),
    ...(options.organizationSyncOptions && {
      organizationSyncOptions: Object.assign(
        Object.create(HidesItself.prototype) as object,
        options.organizationSyncOptions,
      ),
    }),
  }),
};
