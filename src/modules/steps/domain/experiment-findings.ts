import { AB_LIMITS, experimentFault } from './ab-test.js';
import { stepLabel, type CampaignStep } from './step.js';

/** As a launch check reports it. */
interface Finding {
  severity: 'error' | 'warning';
  code: string;
  message: string;
  path: string;
  stepId?: string;
}

interface TestedCampaign {
  campaignType: string;
  trackOpens: boolean;
  trackClicks: boolean;
}

/** What stands in the way of the A/B tests of a campaign. */
export function experimentFindings(campaign: TestedCampaign, steps: readonly CampaignStep[]): Finding[] {
  const findings = steps.flatMap((step, index) => stepFindings(campaign, step, `steps[${index}]`));
  if (campaign.campaignType !== 'ab_test' || findings.length > 0) return findings;
  const tested = steps.filter(({ variants }) => variants.length >= AB_LIMITS.fewestVariants);
  if (tested.length === 0) {
    const message = 'A campaign of type "ab_test" needs an email step with two variants at least: add variants to a step.';
    return [{ severity: 'error', code: 'no_variants', path: 'steps', message }];
  }
  if (tested.some(({ abTest }) => abTest !== null)) return [];
  const message = 'No step has abTest: everybody gets one of the variants by weight, and no winner is chosen.';
  return [{ severity: 'warning', code: 'no_winner_chosen', path: 'steps', message }];
}

function stepFindings(campaign: TestedCampaign, step: CampaignStep, path: string): Finding[] {
  const at = { severity: 'error', stepId: step.id } as const;
  const findings: Finding[] = [];
  const fault = experimentFault(step.variants.length, step.abTest);
  if (fault) findings.push({ ...at, code: fault.code!, message: fault.message, path: `${path}.${fault.path}` });
  const metric = step.abTest?.metric;
  const isBlind = (metric === 'open' && !campaign.trackOpens) || (metric === 'click' && !campaign.trackClicks);
  if (!isBlind) return findings;
  const setting = metric === 'open' ? 'trackOpens' : 'trackClicks';
  const message = `The test of ${stepLabel(step)} counts ${metric}s, which the campaign does not track: set ${setting}, or choose another metric.`;
  return [...findings, { ...at, code: 'metric_not_tracked', message, path: `${path}.abTest.metric` }];
}
