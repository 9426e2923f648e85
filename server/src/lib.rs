//! The Sopu relay, its merge worker and its office.

pub mod access;
pub mod api;
pub mod app;
pub mod audit;
pub mod backup;
pub mod check;
pub mod civil;
pub mod cli;
pub mod config;
pub mod credentials;
pub mod data;
pub mod demo;
pub mod feed;
pub mod keys;
pub mod ledger;
pub mod merge;
pub mod metrics;
pub mod office;
pub mod pdf;
pub mod record;
pub mod relay;
pub mod retention;
pub mod store;
pub mod words;
