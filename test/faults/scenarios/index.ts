import type { Scenario } from '../lib/scenario.js';
import { clock } from './clock.js';
import { failPoints } from './fail-points.js';
import { hits } from './hits.js';
import { launch } from './launch.js';
import { network } from './network.js';
import { pauseResume } from './pause-resume.js';
import { postgresCrash } from './postgres-crash.js';
import { providerSendgrid } from './provider-sendgrid.js';
import { providerSmtp } from './provider-smtp.js';
import { randomKills } from './random-kills.js';
import { redisLoss } from './redis-loss.js';
import { shutdown } from './shutdown.js';
import { unsubscribe } from './unsubscribe.js';
import { webhooks } from './webhooks.js';

/** In the order in which they begin; those that run alone come first, and those that wait most. */
export const SCENARIOS: readonly Scenario[] = [
  randomKills,
  postgresCrash,
  providerSmtp,
  providerSendgrid,
  failPoints,
  network,
  webhooks,
  redisLoss,
  pauseResume,
  unsubscribe,
  launch,
  shutdown,
  clock,
  hits,
];
