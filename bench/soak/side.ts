import { setTimeout as sleep } from 'node:timers/promises';

import { LocalClerk } from 'nest-clerk/testing';

import type { Platform } from '../apps.js';
import { Child } from '../child.js';
import type { SoakOptions } from './app.js';
import { Cast } from './cast.js';
import { forecast, WARM_UP } from './faults.js';
import { Keys } from './keys.js';
import { Load } from './load.js';
import { Oracle } from './oracle.js';
import type { Vitals } from './vitals.js';
import { Wire } from './wire.js';

/** What became of one application. */
export interface Outcome extends Pick<Load, 'counts' | 'answers' | 'wrong'> {
  readonly platform: Platform;
  /** Answers of an application that waited in vain for a Clerk that was well, on a machine that was too busy. */
  readonly forgiven: number;
  readonly keys: Keys['turned'];
  readonly atFirst: Vitals;
  /** After the warm-up, while Clerk was well. */
  readonly samples: readonly Vitals[];
  readonly atLast: Vitals;
}

const SAMPLE_EVERY_MS = 1_000;
/** How long the application waits for Clerk. By default it is longer, and a soak has not the time. */
const TIMEOUT_MS = 2_000;
/** Few are remembered, so that the caches are full soon, and a leak shows beside them. */
const MAX_ENTRIES = 500;
/** For how long opaque tokens are remembered, in milliseconds: not at all, as by default, and for a moment. */
const MEMORY: Readonly<Record<Platform, number>> = { express: 0, fastify: 1_000 };
/** How long sockets may take to close once nobody needs them. */
const DRAIN_MS = 15_000;

/** One application under mixed traffic, with a Clerk of its own that is not always well. */
export class Side {
  private readonly oracle: Oracle;
  private readonly keys: Keys;
  private readonly load: Load;
  private readonly samples: Vitals[] = [];
  private ends = Infinity;

  private constructor(
    private readonly platform: Platform,
    seed: number,
    private readonly clerk: LocalClerk,
    other: LocalClerk,
    private readonly wire: Wire,
    private readonly child: Child<{ port: number }>,
  ) {
    this.oracle = new Oracle(TIMEOUT_MS, MEMORY[platform]);
    this.keys = new Keys(clerk);
    this.load = new Load(child.ready.port, seed, new Cast(clerk, other, this.keys), this.oracle);
  }

  /** @param other An instance whose tokens are good for nothing here. */
  static async start(platform: Platform, seed: number, other: LocalClerk): Promise<Side> {
    const clerk = await LocalClerk.start();
    const wire = await Wire.to(Number(new URL(clerk.url).port));
    const options: SoakOptions = {
      platform,
      clerk: {
        ...clerk.options,
        apiUrl: wire.url,
        authorizedParties: ['http://localhost:3000'],
        endStreamsOnExpiry: true,
        timeoutInMs: TIMEOUT_MS,
        // What is expected of a user who is loaded is what Clerk says at that moment.
        currentUserCache: false,
        verificationCache: { maxEntries: MAX_ENTRIES, machineTokens: { ttl: MEMORY[platform] } },
      },
    };
    const child = await Child.start<{ port: number }>(new URL('./server.js', import.meta.url), options);
    return new Side(platform, seed, clerk, other, wire, child);
  }

  async run(seconds: number): Promise<Outcome> {
    const { platform, load, keys, samples } = this;
    try {
      const atFirst = await this.vitals();
      this.ends = Date.now() + seconds * 1_000;
      load.start();
      await Promise.all([this.weather(), this.turnKeys(), this.sample()]);
      await load.stop();
      const atLast = await this.drained(atFirst);
      const { counts, answers, wrong } = load;
      const { forgiven } = this.oracle;
      return { platform, counts, forgiven, answers, wrong, keys: keys.turned, atFirst, samples, atLast };
    } finally {
      this.child.stop();
      await this.stopClerk();
    }
  }

  /** One fault after the other; at the end Clerk is well. */
  private async weather(): Promise<void> {
    for (const weather of forecast()) {
      const left = this.ends - Date.now();
      if (left <= 0) break;
      if (weather.outage) this.clerk.outage(weather.outage);
      else this.clerk.recover();
      this.oracle.change(weather);
      await sleep(Math.min(weather.seconds * 1_000, left));
      if (weather.outage === 'hang') this.wire.cutWaiting();
    }
    this.clerk.recover();
    this.oracle.change({ name: 'well', seconds: 0 });
  }

  private async turnKeys(): Promise<void> {
    await sleep(WARM_UP * 500);
    this.keys.rotate();
    while (Date.now() < this.ends) {
      await sleep(100);
      this.keys.step();
    }
  }

  private async sample(): Promise<void> {
    await sleep(WARM_UP * 1_000);
    while (Date.now() < this.ends) {
      await sleep(SAMPLE_EVERY_MS);
      if (!this.oracle.weather.outage) this.samples.push(await this.vitals());
    }
  }

  private vitals(): Promise<Vitals> {
    return this.child.ask('vitals');
  }

  /** How it is once nobody calls any more, and Clerk is gone. */
  private async drained({ resources }: Vitals): Promise<Vitals> {
    await this.stopClerk();
    const deadline = Date.now() + DRAIN_MS;
    let now = await this.vitals();
    while (now.resources.length > resources.length && Date.now() < deadline) {
      await sleep(500);
      now = await this.vitals();
    }
    return now;
  }

  private async stopClerk(): Promise<void> {
    this.wire.close();
    await this.clerk.stop();
  }
}
