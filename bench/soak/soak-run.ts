import { setTimeout as sleep } from 'node:timers/promises';

import { LocalClerk } from 'nest-clerk/testing';

import type { Platform } from '../apps.js';
import { Child } from '../child.js';
import type { SoakOptions } from './app.js';
import { Callers } from './callers.js';
import { faultSchedule, WARM_UP_SECONDS } from './faults.js';
import { KeyRotation } from './key-rotation.js';
import { Load } from './load.js';
import { Oracle } from './oracle.js';
import type { ProcessHealth } from './process-health.js';
import { TcpProxy } from './tcp-proxy.js';

/** The results of one application. */
export interface Outcome extends Pick<Load, 'counts' | 'answers' | 'wrong'> {
  readonly platform: Platform;
  /** The number of answers that were only wrong because a healthy Clerk was too slow on a busy machine. */
  readonly tolerated: number;
  readonly keys: KeyRotation['counts'];
  readonly atFirst: ProcessHealth;
  /** After the warm-up, while Clerk was healthy. */
  readonly samples: readonly ProcessHealth[];
  readonly atLast: ProcessHealth;
}

const SAMPLE_EVERY_MS = 1_000;
/** How long the application waits for Clerk. Shorter than the default, to save time. */
const TIMEOUT_MS = 2_000;
/** Small, so that the caches fill quickly and a leak shows in the heap. */
const MAX_ENTRIES = 500;
/** How long opaque tokens are cached: not at all (the default) on one platform, for a second on the other. */
const CACHE_TTL_MS: Readonly<Record<Platform, number>> = { express: 0, fastify: 1_000 };
/** How long unused sockets may take to close. */
const DRAIN_MS = 15_000;

/** Runs one application under mixed traffic, with its own Clerk, which has outages. */
export class SoakRun {
  private readonly oracle: Oracle;
  private readonly keys: KeyRotation;
  private readonly load: Load;
  private readonly samples: ProcessHealth[] = [];
  private ends = Infinity;

  private constructor(
    private readonly platform: Platform,
    seed: number,
    private readonly clerk: LocalClerk,
    otherInstance: LocalClerk,
    private readonly proxy: TcpProxy,
    private readonly child: Child<{ port: number }>,
  ) {
    this.oracle = new Oracle(TIMEOUT_MS, CACHE_TTL_MS[platform]);
    this.keys = new KeyRotation(clerk);
    this.load = new Load(child.ready.port, seed, new Callers(clerk, otherInstance, this.keys), this.oracle);
  }

  /** @param otherInstance Another Clerk instance. The application must deny its tokens. */
  static async start(platform: Platform, seed: number, otherInstance: LocalClerk): Promise<SoakRun> {
    const clerk = await LocalClerk.start();
    const proxy = await TcpProxy.to(Number(new URL(clerk.url).port));
    const options: SoakOptions = {
      platform,
      clerk: {
        ...clerk.options,
        apiUrl: proxy.url,
        authorizedParties: ['http://localhost:3000'],
        endStreamsOnExpiry: true,
        timeoutInMs: TIMEOUT_MS,
        // The oracle expects that each request loads the user from Clerk.
        currentUserCache: false,
        verificationCache: { maxEntries: MAX_ENTRIES, machineTokens: { ttl: CACHE_TTL_MS[platform] } },
      },
    };
    const child = await Child.start<{ port: number }>(new URL('./server.js', import.meta.url), options);
    return new SoakRun(platform, seed, clerk, otherInstance, proxy, child);
  }

  async run(seconds: number): Promise<Outcome> {
    const { platform, load, keys, samples } = this;
    try {
      const atFirst = await this.health();
      this.ends = Date.now() + seconds * 1_000;
      load.start();
      await Promise.all([this.simulateFaults(), this.rotateKeys(), this.sample()]);
      await load.stop();
      const atLast = await this.drained(atFirst);
      const { counts, answers, wrong } = load;
      const { tolerated } = this.oracle;
      return { platform, counts, tolerated, answers, wrong, keys: keys.counts, atFirst, samples, atLast };
    } finally {
      this.child.stop();
      await this.stopClerk();
    }
  }

  /** Simulates one fault after the other. At the end Clerk is healthy. */
  private async simulateFaults(): Promise<void> {
    for (const state of faultSchedule()) {
      const left = this.ends - Date.now();
      if (left <= 0) break;
      if (state.outage) this.clerk.outage(state.outage);
      else this.clerk.recover();
      this.oracle.change(state);
      await sleep(Math.min(state.seconds * 1_000, left));
      if (state.outage === 'hang') this.proxy.cutWaiting();
    }
    this.clerk.recover();
    this.oracle.change({ name: 'healthy', seconds: 0 });
  }

  private async rotateKeys(): Promise<void> {
    await sleep(WARM_UP_SECONDS * 500);
    this.keys.rotate();
    while (Date.now() < this.ends) {
      await sleep(100);
      this.keys.step();
    }
  }

  private async sample(): Promise<void> {
    await sleep(WARM_UP_SECONDS * 1_000);
    while (Date.now() < this.ends) {
      await sleep(SAMPLE_EVERY_MS);
      if (!this.oracle.state.outage) this.samples.push(await this.health());
    }
  }

  private health(): Promise<ProcessHealth> {
    return this.child.ask('health');
  }

  /** Stops Clerk, and returns the health of the application once its sockets are closed. */
  private async drained({ resources }: ProcessHealth): Promise<ProcessHealth> {
    await this.stopClerk();
    const deadline = Date.now() + DRAIN_MS;
    let now = await this.health();
    while (now.resources.length > resources.length && Date.now() < deadline) {
      await sleep(500);
      now = await this.health();
    }
    return now;
  }

  private async stopClerk(): Promise<void> {
    this.proxy.close();
    await this.clerk.stop();
  }
}
