import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import {
  readClick,
  readReply,
  readTracking,
  readUnsubscribe,
  signDynamicLink,
  signReply,
  signTracking,
  signUnsubscribe,
  TokenKeys,
  type ClickRef,
  type MessageRef,
  type UnsubscribeRef,
} from './domain/tokens.js';

/** The public addresses of one message. */
export interface MessageAddresses {
  pixelUrl: string;
  unsubscribeUrl: string;
  linkUrl(linkId: string): string;
  dynamicLinkUrl(url: string): string;
}

/** Makes and reads the signed addresses that stand in messages. Two HMACs a message: one for pixel and links, one for unsubscribing. */
@Injectable()
export class TrackingTokens {
  private readonly keys: TokenKeys;
  private readonly base: string;
  private readonly replyDomain: string | undefined;

  constructor(config: AppConfig) {
    this.keys = new TokenKeys([...config.previousAppSecrets].reverse().concat(config.appSecret));
    this.base = config.publicUrl;
    this.replyDomain = config.replies.domain;
  }

  forMessage(tenantId: string, emailId: string, contactId: string): MessageAddresses {
    const { keys, base } = this;
    const token = signTracking(keys, { tenantId, emailId });
    return {
      pixelUrl: `${base}/t/o/${token}`,
      unsubscribeUrl: `${base}/u/${signUnsubscribe(keys, { tenantId, emailId, contactId })}`,
      linkUrl: (linkId) => `${base}/t/c/${token}.${linkId}`,
      dynamicLinkUrl: (url) => `${base}/t/c/${signDynamicLink(keys, token, url)}`,
    };
  }

  /** The address to which answers to this message go; null where no domain for that is configured. */
  replyAddress(tenantId: string, emailId: string): string | null {
    return this.replyDomain === undefined ? null : `${signReply(this.keys, { tenantId, emailId })}@${this.replyDomain}`;
  }

  /** The message to which the first genuine reply address in `text` (addresses in any form) belongs. */
  readReply(text: string): MessageRef | null {
    return readReply(this.keys, text);
  }

  readPixel(token: string): MessageRef | null {
    return readTracking(this.keys, token);
  }

  readClick(path: string): ClickRef | null {
    return readClick(this.keys, path);
  }

  readUnsubscribe(token: string): UnsubscribeRef | null {
    return readUnsubscribe(this.keys, token);
  }
}
