export class LivenessDto {
  /** @example "alive" */
  status: 'alive';
}

export class ReadinessDto {
  status: 'ready' | 'not_ready';

  /**
   * The state of each part this process needs.
   * @example { "database": { "status": "up" }, "queue": { "status": "up" } }
   */
  checks: Record<string, unknown>;
}
