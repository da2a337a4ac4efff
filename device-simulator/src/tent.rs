//! A small physical model of a grow tent: lamp, air, soil and weather.
//!
//! Made to look right on a chart and to be repeatable, not to be agronomy: a lamp day of 18 hours
//! warms and dries the air, plants drink the soil dry, an irrigator fills it, and the weather moves
//! the pressure. The same noise and the same moments give the same readings.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::noise::Noise;

/// What the sensors say at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// Air temperature in degrees Celsius.
    pub temperature: f64,
    /// Relative humidity in per cent.
    pub humidity: f64,
    /// Air pressure in hectopascal.
    pub pressure: f64,
    /// Volumetric water in the soil in per cent.
    pub soil_moisture: f64,
    /// Light under the lamp in lux.
    pub light: f64,
}

const LAMP_ON_HOUR: f64 = 6.0;
const LAMP_HOURS: f64 = 18.0;
const LAMP_RAMP_HOURS: f64 = 0.5;
const LAMP_LUX: f64 = 25_000.0;
const NIGHT_LUX: f64 = 2.0;
const AIR_TAU_S: f64 = 1_200.0;
const HUMIDITY_TAU_S: f64 = 600.0;
const PRESSURE_TAU_S: f64 = 12.0 * 3_600.0;
const PRESSURE_DEVIATION: f64 = 5.0;
const SOIL_DRY: f64 = 32.0;
const SOIL_WET: f64 = 58.0;
/// Per cent of water a second while the irrigator runs: about two minutes from dry to wet.
const IRRIGATION_RATE: f64 = 0.2;
/// A gap longer than this (a sleeping machine) is not simulated through.
const MAX_STEP: Duration = Duration::from_hours(1);

/// One tent. Advance it only forwards: a moment before the last one reads as the last one.
#[derive(Clone, Debug)]
pub struct Tent {
    noise: Noise,
    last: OffsetDateTime,
    room: f64,
    lamp_shift_hours: f64,
    temperature: f64,
    humidity: f64,
    pressure: f64,
    soil: f64,
    irrigating: bool,
}

impl Tent {
    /// A tent as it stands at `at`; room climate, lamp schedule and soil differ from tent to tent
    /// by the noise given.
    pub fn new(mut noise: Noise, at: OffsetDateTime) -> Self {
        let room = noise.between(17.0, 21.0);
        let lamp_shift_hours = noise.between(-2.0, 2.0);
        let lamp = lamp_level(hour_of(at) - lamp_shift_hours);
        Self {
            last: at,
            room,
            lamp_shift_hours,
            temperature: air_target(room, lamp),
            humidity: humidity_target(air_target(room, lamp), lamp, 45.0),
            pressure: 1_013.25 + 4.0 * noise.normal() / 2.0,
            soil: noise.between(SOIL_DRY, SOIL_WET),
            irrigating: false,
            noise,
        }
    }

    /// Lets the tent live until `at` and reads its sensors.
    pub fn read(&mut self, at: OffsetDateTime) -> Reading {
        let passed = Duration::try_from(at - self.last)
            .unwrap_or_default()
            .min(MAX_STEP);
        self.last = self.last.max(at);
        let lamp = lamp_level(hour_of(self.last) - self.lamp_shift_hours);
        self.live(passed.as_secs_f64(), lamp);
        Reading {
            temperature: rounded(self.temperature + 0.05 * self.noise.normal(), 2),
            humidity: rounded(
                (self.humidity + 0.3 * self.noise.normal()).clamp(5.0, 99.9),
                2,
            ),
            pressure: rounded(self.pressure + 0.05 * self.noise.normal(), 2),
            soil_moisture: rounded((self.soil + 0.1 * self.noise.normal()).clamp(0.0, 100.0), 2),
            light: rounded(
                (NIGHT_LUX + LAMP_LUX * lamp * (1.0 + 0.01 * self.noise.normal())).max(0.0),
                1,
            ),
        }
    }

    fn live(&mut self, seconds: f64, lamp: f64) {
        self.temperature = approach(
            self.temperature,
            air_target(self.room, lamp),
            seconds,
            AIR_TAU_S,
        );
        let humid = humidity_target(self.temperature, lamp, self.soil);
        self.humidity = approach(self.humidity, humid, seconds, HUMIDITY_TAU_S);

        // Mean-reverting walk: its spread stays PRESSURE_DEVIATION however often it is read.
        let kept = (-seconds / PRESSURE_TAU_S).exp();
        self.pressure = 1_013.25
            + (self.pressure - 1_013.25) * kept
            + PRESSURE_DEVIATION * (1.0 - kept * kept).sqrt() * self.noise.normal() / 2.0;

        // Plants drink by light and warmth: about 20 per cent in a lamp day.
        let thirst = 2e-5 + 2.5e-4 * lamp * (self.temperature / 25.0).max(0.0);
        self.soil -= thirst * seconds;
        if self.soil < SOIL_DRY {
            self.irrigating = true;
        }
        if self.irrigating {
            self.soil += IRRIGATION_RATE * seconds;
            self.irrigating = self.soil < SOIL_WET;
        }
        self.soil = self.soil.clamp(0.0, SOIL_WET);
    }
}

/// How bright the lamp is at an hour of its day, 0 to 1, with a ramp at dawn and at dusk.
fn lamp_level(hour: f64) -> f64 {
    let since_dawn = (hour - LAMP_ON_HOUR).rem_euclid(24.0);
    let until_dusk = LAMP_HOURS - since_dawn;
    (since_dawn.min(until_dusk) / LAMP_RAMP_HOURS).clamp(0.0, 1.0)
}

fn air_target(room: f64, lamp: f64) -> f64 {
    room + 7.0 * lamp
}

fn humidity_target(temperature: f64, lamp: f64, soil: f64) -> f64 {
    (62.0 - 1.4 * (temperature - 22.0) + 6.0 * lamp + 0.15 * (soil - 45.0)).clamp(15.0, 95.0)
}

/// First-order lag: where `value` is after `seconds` on its way to `target`.
fn approach(value: f64, target: f64, seconds: f64, tau: f64) -> f64 {
    target + (value - target) * (-seconds / tau).exp()
}

fn hour_of(at: OffsetDateTime) -> f64 {
    let (hour, minute, second) = at.to_offset(time::UtcOffset::UTC).to_hms();
    f64::from(hour) + f64::from(minute) / 60.0 + f64::from(second) / 3_600.0
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap()
    }

    fn series(seed: u64, device: &str, step_s: i64, count: i64) -> Vec<Reading> {
        let mut tent = Tent::new(Noise::of(seed, device, "tent"), start());
        (0..count)
            .map(|n| tent.read(start() + time::Duration::seconds(n * step_s)))
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_readings_and_another_seed_others() {
        assert_eq!(
            series(7, "grow-0001", 5, 200),
            series(7, "grow-0001", 5, 200)
        );
        assert_ne!(
            series(7, "grow-0001", 5, 200),
            series(8, "grow-0001", 5, 200)
        );
        assert_ne!(
            series(7, "grow-0001", 5, 200),
            series(7, "grow-0002", 5, 200)
        );
    }

    #[test]
    fn a_month_of_readings_stays_plausible() {
        for device in ["a", "b", "c"] {
            for reading in series(7, device, 60, 30 * 24 * 60) {
                assert!((10.0..35.0).contains(&reading.temperature), "{reading:?}");
                assert!((10.0..=99.9).contains(&reading.humidity), "{reading:?}");
                assert!((960.0..1_060.0).contains(&reading.pressure), "{reading:?}");
                assert!(
                    (20.0..=60.0).contains(&reading.soil_moisture),
                    "{reading:?}"
                );
                assert!((0.0..30_000.0).contains(&reading.light), "{reading:?}");
            }
        }
    }

    #[test]
    fn the_lamp_has_a_day_and_a_night_and_warms_the_air() {
        let day = series(7, "grow-0001", 60, 24 * 60);
        let bright: Vec<_> = day.iter().filter(|r| r.light > 15_000.0).collect();
        let dark: Vec<_> = day.iter().filter(|r| r.light < 10.0).collect();
        assert!((900..1_100).contains(&bright.len()), "{}", bright.len());
        assert!((300..420).contains(&dark.len()), "{}", dark.len());
        let mean = |of: &[&Reading]| {
            of.iter().map(|r| r.temperature).sum::<f64>()
                / f64::from(u32::try_from(of.len()).unwrap())
        };
        assert!(mean(&bright) > mean(&dark) + 2.0);
    }

    #[test]
    fn a_clock_that_steps_back_or_far_ahead_does_no_harm() {
        let mut tent = Tent::new(Noise::of(7, "grow-0001", "tent"), start());
        tent.read(start() - time::Duration::days(3));
        let reading = tent.read(start() + time::Duration::days(3_650));
        assert!((10.0..35.0).contains(&reading.temperature));
    }
}
