//! A client of the feeds.

use crate::contract::judge_message;
use crate::venue::{Client, SYMBOL, Venue};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

pub struct Socket<S = TcpStream> {
    pub stream: WebSocketStream<S>,
}

impl Socket {
    /// A connection that was greeted.
    pub async fn open(venue: &Venue) -> Self {
        let stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
        Self::over(stream).await.expect("a handshake")
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// The same over a stream that is there.
    pub async fn over(stream: S) -> Result<Self, Error> {
        let (stream, answer) = client_async("ws://localhost/ws/v1", stream).await?;
        assert_eq!(answer.status(), 101);
        let mut socket = Self { stream };
        assert_eq!(socket.hear().await, json!({"event": "info", "version": 1}));
        Ok(socket)
    }

    pub async fn send(&mut self, message: Message) {
        self.stream.send(message).await.expect("an open connection");
    }

    pub async fn say(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    /// The next message. Pings are answered on the way, as every client does.
    pub async fn hear(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => judge_message(text.as_str()),
            other => panic!("a message, not {other:?}"),
        }
    }

    async fn next(&mut self) -> Message {
        loop {
            match self.stream.next().await.expect("an open connection").expect("a frame") {
                Message::Ping(_) => {}
                other => return other,
            }
        }
    }

    pub async fn ask(&mut self, message: Value) -> Value {
        self.say(message).await;
        self.hear().await
    }

    /// All that was told until now, whatever waits in the exchange included: the answer to a request that goes the whole
    /// way comes behind it.
    pub async fn settle(&mut self) -> Vec<Value> {
        self.say(json!({"event": "unsubscribe", "feed": "heartbeat"})).await;
        let mut told = Vec::new();
        loop {
            let message = self.hear().await;
            if message == alert("Not subscribed to feed") {
                return told;
            }
            told.push(message);
        }
    }

    /// Who a client is, to be put into a request: a challenge of this connection, signed.
    pub async fn credentials(&mut self, client: &Client) -> Value {
        let given = self.ask(json!({"event": "challenge", "api_key": client.api_key})).await;
        let challenge = given["message"].as_str().expect("a challenge");
        json!({
            "api_key": client.api_key,
            "original_challenge": challenge,
            "signed_challenge": client.signing.sign_challenge(challenge).to_base64(),
        })
    }

    /// Joins private feeds of a client; each one's snapshot.
    pub async fn follow(&mut self, client: &Client, feeds: &[&str]) -> Vec<Value> {
        let credentials = self.credentials(client).await;
        let mut snapshots = Vec::new();
        for feed in feeds {
            let answer = self.ask(with(&credentials, json!({"event": "subscribe", "feed": feed}))).await;
            assert_eq!(answer, json!({"event": "subscribed", "feed": feed}));
            let snapshot = self.hear().await;
            assert_eq!(snapshot["feed"], format!("{feed}_snapshot"));
            snapshots.push(snapshot);
        }
        snapshots
    }

    /// Joins the book of [`SYMBOL`]; its snapshot.
    pub async fn follow_book(&mut self) -> Value {
        let asked = json!({"event": "subscribe", "feed": "book", "product_ids": [SYMBOL]});
        assert_eq!(
            self.ask(asked).await,
            json!({"event": "subscribed", "feed": "book", "product_ids": [SYMBOL]})
        );
        self.hear().await
    }

    /// What was told until the connection was closed, and how that was done.
    pub async fn end(&mut self) -> (Vec<Value>, Option<(u16, String)>) {
        let mut told = Vec::new();
        let mut code = None;
        while let Some(message) = self.stream.next().await {
            match message {
                Ok(Message::Text(text)) => told.push(judge_message(text.as_str())),
                Ok(Message::Close(frame)) => {
                    code = frame.map(|frame| (u16::from(frame.code), frame.reason.to_string()));
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        (told, code)
    }

    pub async fn ping(&mut self, payload: &'static [u8]) {
        self.send(Message::Ping(Bytes::from_static(payload))).await;
    }
}

pub fn alert(text: &str) -> Value {
    json!({"event": "alert", "message": text})
}

/// Both objects' members.
pub fn with(one: &Value, other: Value) -> Value {
    let (Value::Object(mut all), Value::Object(more)) = (one.clone(), other) else { panic!("two objects") };
    all.extend(more);
    Value::Object(all)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Joins a private feed; the answer is checked, and the first message is what comes.
    pub async fn join(&mut self, credentials: &Value, feed: &str) -> Value {
        let answer = self.ask(with(credentials, json!({"event": "subscribe", "feed": feed}))).await;
        assert_eq!(answer, json!({"event": "subscribed", "feed": feed}));
        self.hear().await
    }

    /// Leaves a private feed.
    pub async fn leave(&mut self, credentials: &Value, feed: &str) {
        let answer = self.ask(with(credentials, json!({"event": "unsubscribe", "feed": feed}))).await;
        assert_eq!(answer, json!({"event": "unsubscribed", "feed": feed}));
        let again = self.ask(with(credentials, json!({"event": "unsubscribe", "feed": feed}))).await;
        assert_eq!(again, alert("Not subscribed to feed"));
    }
}
