//! A client that follows its own open orders and notes when it is told of each.

use crate::followers::{PING, PONG, TEXT, frame, handshake, masked};
use crate::server::Server;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

pub struct OwnOrders {
    told: Receiver<Instant>,
}

impl OwnOrders {
    /// Follows the orders of the first account.
    pub fn follow(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address).expect("it listens");
        stream.set_nodelay(true).expect("a socket option");
        let mut wire = Wire { stream, buffer: Vec::new() };
        wire.stream.write_all(&handshake()).expect("an open connection");
        wire.pass_head();
        let say = |wire: &mut Wire, text: &str| {
            wire.stream.write_all(&masked(TEXT, text.as_bytes())).expect("an open connection");
        };
        wire.hear().expect("a greeting");
        say(&mut wire, &server.ask_challenge());
        let challenge = wire.hear().expect("an answer");
        let challenge: serde_json::Value = serde_json::from_str(&challenge).expect("JSON");
        let challenge = challenge["message"].as_str().expect("a challenge");
        say(&mut wire, &server.subscribe_signed("open_orders", challenge));
        for answer in ["subscribed", "open_orders_snapshot"] {
            assert!(wire.hear().is_some_and(|told| told.contains(answer)));
        }
        let (sender, told) = sync_channel(1_000);
        std::thread::spawn(move || {
            while wire.hear().is_some() {
                if sender.send(Instant::now()).is_err() {
                    return;
                }
            }
        });
        Self { told }
    }

    /// When it was told next.
    pub fn next(&self) -> Instant {
        self.told.recv_timeout(Duration::from_secs(10)).expect("a message of the order")
    }
}

struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    /// Reads what is there. None when the connection has ended.
    fn read(&mut self) -> Option<()> {
        let mut bytes = [0; 4096];
        let read = self.stream.read(&mut bytes).ok().filter(|read| *read > 0)?;
        self.buffer.extend(&bytes[..read]);
        Some(())
    }

    fn pass_head(&mut self) {
        loop {
            self.read().expect("an answer to the handshake");
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                self.buffer.drain(..at + 4);
                return;
            }
        }
    }

    /// The next text message, until the connection ends.
    fn hear(&mut self) -> Option<String> {
        loop {
            while let Some((opcode, payload)) = frame(&self.buffer) {
                let text = String::from_utf8_lossy(&self.buffer[payload.clone()]).into_owned();
                self.buffer.drain(..payload.end);
                match opcode {
                    TEXT => return Some(text),
                    PING => self.stream.write_all(&masked(PONG, b"")).expect("an open connection"),
                    other => panic!("a message, not a frame of opcode {other}"),
                }
            }
            self.read()?;
        }
    }
}
