/** Where the sample is to be found. */
export interface Origins {
  readonly port: number;
  readonly api: string;
  readonly frontendPort: number;
  /** Another origin, and another site: `127.0.0.1` shares no cookies with `localhost`. */
  readonly frontend: string;
  /** What browsers may call the frontend: people type `localhost` and `127.0.0.1` alike. */
  readonly frontends: readonly string[];
  /** What browsers may call either of the two. */
  readonly all: readonly string[];
}

const namesOf = (port: number) => [`http://localhost:${port}`, `http://127.0.0.1:${port}`];

/** By PORT and FRONTEND_PORT. */
export function origins(): Origins {
  const port = Number(process.env.PORT || 3000);
  const frontendPort = Number(process.env.FRONTEND_PORT || port + 1);
  const frontends = namesOf(frontendPort);
  return {
    port,
    api: `http://localhost:${port}`,
    frontendPort,
    frontend: `http://127.0.0.1:${frontendPort}`,
    frontends,
    all: [...namesOf(port), ...frontends],
  };
}
