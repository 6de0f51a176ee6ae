//! The template's HTTP routes.

use super::{Template, TemplateError};

/// A route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `POST`, for example.
    pub method: String,
    /// `/bookings/{booking_code}`, for example.
    pub path: String,
    /// Logical id of the function that answers.
    pub function: String,
}

impl Template {
    /// Every route.
    pub fn routes(&self) -> Result<Vec<Route>, TemplateError> {
        self.of_type("AWS::ApiGatewayV2::Route").map(|(id, _)| self.route(id)).collect()
    }

    fn route(&self, id: &str) -> Result<Route, TemplateError> {
        let key = self.text(id, &["RouteKey"])?;
        let expected = |what| TemplateError::Expected(format!("{id}'s route"), what);
        let (method, path) = key.split_once(' ').ok_or_else(|| expected("METHOD /path"))?;
        let target = self.text(id, &["Target"])?;
        let integration = target.strip_prefix("integrations/").ok_or_else(|| expected("to an integration"))?;
        let function = self.text(integration, &["IntegrationUri"])?;
        Ok(Route { method: method.to_owned(), path: path.to_owned(), function })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_routes_of_the_deployment() {
        let mut routes = Template::embedded().unwrap().routes().unwrap();
        routes.sort_by(|a, b| (&a.path, &a.method).cmp(&(&b.path, &b.method)));
        let shown: Vec<String> = routes.iter().map(|r| format!("{} {} {}", r.method, r.path, r.function)).collect();
        assert_eq!(
            shown,
            [
                "GET /bookings/{booking_code} ReadFunction",
                "GET /bookings/{booking_code}/events ReadFunction",
                "POST /bookings/{booking_code}/events AppendFunction",
                "GET /bookings/{booking_code}/events/{event_id} ReadFunction",
                "GET /feed FeedFunction",
                "GET /feed/partitions FeedFunction",
                "GET /health ReadFunction",
                "GET /prices/{booking_code} PricesFunction",
                "POST /replays ReplaysFunction",
                "GET /replays/{replay_id} ReplaysFunction",
                "POST /replays/{replay_id}/cancel ReplaysFunction",
            ]
        );
    }
}
