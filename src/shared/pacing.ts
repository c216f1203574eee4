/** The limit of one day of a launch: a number of messages, or a part of the audience. Days count from 1, the day of the launch. */
export interface RampDay {
  day: number;
  messages?: number;
  percent?: number;
}

/** At most so many marketing messages to one contact in any span of so many times 24 hours. */
export interface FrequencyCap {
  messages: number;
  perDays: number;
  /** `defer` (default): wait until there is room · `skip`: leave this message out. */
  policy?: 'defer' | 'skip';
}

/** Shares of what was sent, in percent, at which a campaign is paused; only once so much has been sent that they mean something. */
export interface PauseThresholds {
  bouncePercent?: number;
  bounceMinSent?: number;
  complaintPercent?: number;
  complaintMinSent?: number;
}
