//! The time between a CONNACK and the end of that connection.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use rumqttc::{
    AsyncClient, EventLoop, Incoming, Outgoing, PubAckReason, Publish, PublishNoticeError,
    PublishOptions, PublishResult, QoS, SubAck, SubscribeFilter, SubscribeReasonCode,
};
use time::OffsetDateTime;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use super::refusal::{self, Refusal};
use super::{Device, MAX_IN_FLIGHT, Shared, message_ids};
use crate::device_id::DeviceId;
use crate::report::{DeviceCounters, Event};
use crate::telemetry::{self, MessageIds};
use crate::topics;

/// How a connection ended.
pub(super) enum Ended {
    /// The device said goodbye, or ran out of time to do so.
    Stopped,
    /// Something else ended it.
    Lost(Refusal),
}

/// What a device published, to account for the broker's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Telemetry,
    Online,
    Offline,
}

type Fate = (Sent, Result<PublishResult, PublishNoticeError>);

/// What a device carries from one connection to the next.
pub(super) struct Life {
    device: Device,
    ids: MessageIds,
    ticks: Interval,
    /// Publishes whose answer is awaited; they outlive a connection, as MQTT repeats them.
    awaited: FuturesUnordered<BoxFuture<'static, Fate>>,
    /// Of those, telemetry.
    in_flight: u16,
}

impl Life {
    pub(super) fn new(device: Device, interval: Duration) -> Self {
        let mut ticks = interval_at(Instant::now() + device.phase, interval);
        // After a time offline the next reading is due once, at its phase, not once per missed beat.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let ids = message_ids(&device.boot);
        Self {
            device,
            ids,
            ticks,
            awaited: FuturesUnordered::new(),
            in_flight: 0,
        }
    }

    pub(super) fn id(&self) -> &DeviceId {
        &self.device.id
    }

    /// Reports and listens until the connection ends.
    pub(super) async fn live(
        &mut self,
        client: &AsyncClient,
        eventloop: &mut EventLoop,
        counters: &DeviceCounters,
        shared: &Shared,
    ) -> Ended {
        self.greet(client);
        let mut deadline = None;
        loop {
            let mut poll = pin!(eventloop.poll());
            let polled = loop {
                let last = deadline.unwrap_or_else(Instant::now);
                tokio::select! {
                    biased;
                    () = shared.stop.cancelled(), if deadline.is_none() => {
                        deadline = Some(Instant::now() + shared.goodbye);
                        self.say_goodbye(client);
                    }
                    () = sleep_until(last), if deadline.is_some() => return Ended::Stopped,
                    Some(fate) = self.awaited.next(), if !self.awaited.is_empty() => {
                        if self.account(fate, counters, shared) == Sent::Offline {
                            // The retained message is safe with the broker; leave in good order,
                            // so that the will stays unsent.
                            let _ = client.try_disconnect();
                        }
                    }
                    polled = &mut poll => break polled,
                    _ = self.ticks.tick(), if deadline.is_none() => self.report(client, counters),
                }
            };
            match polled {
                Ok(rumqttc::Event::Outgoing(Outgoing::Disconnect)) => return Ended::Stopped,
                Ok(rumqttc::Event::Incoming(Incoming::Publish(message))) => {
                    self.hear(&message, counters, shared);
                }
                Ok(rumqttc::Event::Incoming(Incoming::SubAck(answer))) => {
                    self.check_subscribed(&answer, counters, shared);
                }
                Ok(_) => {}
                Err(_) if deadline.is_some() => return Ended::Stopped,
                Err(error) => return Ended::Lost(refusal::of(&error)),
            }
        }
    }

    /// Subscribes and says online. Also into a session that the broker kept: its subscriptions may
    /// be those of an older firmware, and subscribing twice changes nothing.
    fn greet(&mut self, client: &AsyncClient) {
        let filters = topics::inbound(&self.device.id)
            .map(|filter| SubscribeFilter::new(filter, QoS::AtLeastOnce));
        if let Err(error) = client.try_subscribe_many(filters) {
            tracing::warn!(device = %self.device.id, "not subscribed: {error}");
        }
        let now = OffsetDateTime::now_utc();
        let device = &self.device;
        let payload = telemetry::online(&device.boot, now, &device.model, &device.firmware_version);
        self.publish(
            client,
            Sent::Online,
            topics::status(&self.device.id),
            payload,
        );
    }

    fn say_goodbye(&mut self, client: &AsyncClient) {
        let payload = telemetry::offline(&self.device.boot, OffsetDateTime::now_utc());
        if !self.publish(
            client,
            Sent::Offline,
            topics::status(&self.device.id),
            payload,
        ) {
            // No room for the message: better the broker's own word, the will, than none.
            tracing::warn!(device = %self.device.id, "the queue is full; leaving it to the will");
        }
    }

    fn report(&mut self, client: &AsyncClient, counters: &DeviceCounters) {
        let now = OffsetDateTime::now_utc();
        let reading = self.device.tent.read(now);
        if self.in_flight >= MAX_IN_FLIGHT {
            counters.skipped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let payload = telemetry::report(&self.ids.take(), now, &reading);
        if self.publish(
            client,
            Sent::Telemetry,
            topics::telemetry(&self.device.id),
            payload,
        ) {
            self.in_flight += 1;
            counters.published.fetch_add(1, Ordering::Relaxed);
        } else {
            counters.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn publish(
        &mut self,
        client: &AsyncClient,
        sent: Sent,
        topic: String,
        payload: Vec<u8>,
    ) -> bool {
        let options = PublishOptions::at_least_once().retain(sent != Sent::Telemetry);
        match client.try_publish_tracked(topic, payload, options) {
            Ok(notice) => {
                self.awaited
                    .push(Box::pin(async move { (sent, notice.wait_async().await) }));
                true
            }
            Err(_) => false,
        }
    }

    /// Counts what became of a publish and says which it was.
    fn account(&mut self, (sent, fate): Fate, counters: &DeviceCounters, shared: &Shared) -> Sent {
        if sent == Sent::Telemetry {
            self.in_flight -= 1;
        }
        let taken = [PubAckReason::Success, PubAckReason::NoMatchingSubscribers];
        match fate {
            Ok(PublishResult::Qos1(answer)) if !taken.contains(&answer.reason) => {
                let topic = match sent {
                    Sent::Telemetry => topics::telemetry(&self.device.id),
                    Sent::Online | Sent::Offline => topics::status(&self.device.id),
                };
                self.denied(topic, format!("{:?}", answer.reason), counters, shared);
            }
            Ok(_) if sent == Sent::Telemetry => {
                counters.acked.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) if sent == Sent::Telemetry => {
                counters.lost.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
        sent
    }

    /// A message from a service: counted and told. Answering belongs to the commands themselves.
    fn hear(&self, message: &Publish, counters: &DeviceCounters, shared: &Shared) {
        let topic = String::from_utf8_lossy(&message.topic);
        let category = topics::inbound_category(&self.device.id, &topic).unwrap_or("unexpected");
        shared.board.received(counters, category);
        tracing::info!(device = %self.device.id, category, bytes = message.payload.len(), "received");
        shared.telling.tell(Event::Received {
            device: self.device.id.to_string(),
            category: category.to_owned(),
            bytes: message.payload.len(),
        });
    }

    fn check_subscribed(&self, answer: &SubAck, counters: &DeviceCounters, shared: &Shared) {
        for (filter, code) in topics::inbound(&self.device.id).zip(&answer.return_codes) {
            if !matches!(code, SubscribeReasonCode::Success(_)) {
                self.denied(filter, format!("{code:?}"), counters, shared);
            }
        }
    }

    fn denied(&self, topic: String, reason: String, counters: &DeviceCounters, shared: &Shared) {
        counters.denied.fetch_add(1, Ordering::Relaxed);
        shared.telling.tell(Event::Denied {
            device: self.device.id.to_string(),
            topic,
            reason,
        });
    }
}
