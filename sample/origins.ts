/** The ports and origins of the sample. */
export interface Origins {
  readonly port: number;
  readonly api: string;
  readonly frontendPort: number;
  /** Another origin, and another site: `127.0.0.1` shares no cookies with `localhost`. */
  readonly frontend: string;
  /** The origins under which browsers may open the frontend: with `localhost` and with `127.0.0.1`. */
  readonly frontends: readonly string[];
  /** The origins of API and frontend. */
  readonly all: readonly string[];
}

const originsOf = (port: number) => [`http://localhost:${port}`, `http://127.0.0.1:${port}`];

/** Reads PORT and FRONTEND_PORT. */
export function origins(): Origins {
  const port = Number(process.env.PORT || 3000);
  const frontendPort = Number(process.env.FRONTEND_PORT || port + 1);
  const frontends = originsOf(frontendPort);
  return {
    port,
    api: `http://localhost:${port}`,
    frontendPort,
    frontend: `http://127.0.0.1:${frontendPort}`,
    frontends,
    all: [...originsOf(port), ...frontends],
  };
}
