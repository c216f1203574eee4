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

/** In the order in which they run. Those of one group that stand together run at the same time. */
export const SCENARIOS: readonly Scenario[] = [
  randomKills,
  failPoints,
  postgresCrash,
  redisLoss,
  providerSmtp,
  providerSendgrid,
  network,
  pauseResume,
  unsubscribe,
  launch,
  shutdown,
  clock,
  hits,
];
